#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes sure that Docker has the given images: uses those it has, pulls, and builds what cannot be pulled.
#
#   tools/images.sh kindest/node:v1.35.0 kindest/haproxy:v20230606-42a2262b
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)

main() {
  (($# > 0)) || die "usage: $0 IMAGE..."
  docker info >/dev/null 2>&1 || die "Docker does not answer: run 'make docker'"

  local image to_build=() closed=
  for image in "$@"; do
    case $(origin "$image") in
      pulled) ;;
      # The builder knows whether an image that it made is still what it would make.
      built) to_build+=("$image") ;;
      *)
        if [[ -n $closed ]] || ! pull "$image"; then
          closed=yes
          to_build+=("$image")
        fi
        ;;
    esac
  done
  ((${#to_build[@]} == 0)) || build "${to_build[@]}"
  echo "images: ready: $*"
}

# Images that test/nodeimage built carry a label.
origin() {
  docker image inspect --format '{{if index .Config.Labels "terraform-provider-capi.recipe"}}built{{else}}pulled{{end}}' \
    "$1" 2>/dev/null
}

# A pull may take minutes; whether the registry answers at all shows within seconds.
pull() {
  local log pid
  log=$(mktemp)
  echo "images: pulling $1"
  docker pull "$1" >"$log" 2>&1 &
  pid=$!
  for _ in {1..20}; do
    if ! kill -0 "$pid" 2>/dev/null || grep -q 'Pulling from' "$log"; then break; fi
    sleep 0.5
  done
  grep -q 'Pulling from' "$log" || kill "$pid" 2>/dev/null || true
  if wait "$pid"; then
    rm -f "$log"
    return
  fi
  echo "images: cannot be pulled: $(tail -n 1 "$log")"
  rm -f "$log"
  return 1
}

build() {
  command -v go >/dev/null || die "building images needs Go: https://go.dev/doc/install"
  if ! command -v mmdebstrap >/dev/null; then
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
      die "these images can only be built on Debian, with mmdebstrap: sudo apt-get install mmdebstrap"
    fi
    echo "images: installing mmdebstrap from Debian"
    apt-get install -y --no-install-recommends mmdebstrap >/dev/null
  fi
  go run -C "$root/test/nodeimage" . "$@"
}

die() {
  echo "images: $*" >&2
  exit 1
}

main "$@"
