#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command with a Docker Engine that may be stalled, filled up, and killed, because nothing else uses it. It needs
# Linux, root, and Docker installed; images are copied from the engine of this machine.
#
#   tools/engine.sh [--image IMAGE]... COMMAND...
#
# Engine and command have mounts, network, and processes of their own: /var/run/docker.sock is the engine's, and so is
# 127.0.0.1. The engine's data is on a file system in a file, which is removed with everything else when the command ends.
#
# The command finds in its environment:
#   DISPOSABLE_ENGINE   the folder with dockerd.pid, dockerd.log, and data, the file system. dockerd is started again when
#                       it ends.
set -euo pipefail

# shellcheck source=tools/docker.sh
source "$(dirname "$0")/docker.sh"

# Sparse: what the images, six nodes, and their logs write is about half of it.
size=${ENGINE_SIZE:-24G}
cgroup=terraform-capi-engine

usage="usage: $0 [--image IMAGE]... COMMAND..."
images=()

outside() {
  while [[ ${1:-} == --image ]]; do
    images+=("${2:?$usage}")
    shift 2
  done
  (($# > 0)) || die "$usage"
  [[ $(uname) == Linux && $EUID -eq 0 ]] || die "an engine of its own needs Linux and root"
  command -v dockerd >/dev/null || die "no dockerd: run 'make docker'"
  allow_inotify

  DISPOSABLE_ENGINE=$(mktemp -d "${TMPDIR:-/tmp}/capi-engine.XXXXXX")
  export DISPOSABLE_ENGINE
  trap clean EXIT
  mkdir "$DISPOSABLE_ENGINE/data"
  truncate -s "$size" "$DISPOSABLE_ENGINE/data.img"
  # What is lost when the machine stops is lost anyway, so a journal would only cost time. What is full is full for root, too.
  mkfs.ext4 -q -m 0 -O ^has_journal -E lazy_itable_init=1,nodiscard "$DISPOSABLE_ENGINE/data.img"
  ((${#images[@]} == 0)) || docker save --output "$DISPOSABLE_ENGINE/images.tar" "${images[@]}"

  # Whatever the command and the engine start ends with the namespace of processes.
  unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$0" --inside "$@"
}

clean() {
  rm -rf "$DISPOSABLE_ENGINE"
  find "/sys/fs/cgroup" -mindepth 1 -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || true
}

inside() {
  ip link set lo up
  mount -t tmpfs tmpfs /run
  # Nor need anything be flushed to the disk, which other work may keep busy for longer than etcd waits.
  mount -o loop,noatime,nobarrier "$DISPOSABLE_ENGINE/data.img" "$DISPOSABLE_ENGINE/data"
  unset DOCKER_CONTEXT
  export DOCKER_HOST=unix:///var/run/docker.sock
  choose_runtime "$DISPOSABLE_ENGINE"
  echo '{}' >"$DISPOSABLE_ENGINE/daemon.json"
  keep_running &
  for _ in {1..120}; do
    answers && break
    sleep 0.5
  done
  answers || fail_with "dockerd does not answer after 60 s" "$DISPOSABLE_ENGINE/dockerd.log"
  if [[ -e $DISPOSABLE_ENGINE/images.tar ]]; then
    docker load --quiet --input "$DISPOSABLE_ENGINE/images.tar"
    rm "$DISPOSABLE_ENGINE/images.tar"
  fi
  "$@"
}

# keep_running is what an init system does: an engine that ends is started again.
keep_running() {
  while true; do
    dockerd --config-file "$DISPOSABLE_ENGINE/daemon.json" --data-root "$DISPOSABLE_ENGINE/data" \
      --cgroup-parent "/$cgroup" "${runtime_flags[@]}" </dev/null >>"$DISPOSABLE_ENGINE/dockerd.log" 2>&1 &
    echo $! >"$DISPOSABLE_ENGINE/dockerd.pid"
    wait $! || true
    sleep 1
  done
}

if [[ ${1:-} == --inside ]]; then
  shift
  inside "$@"
else
  outside "$@"
fi
