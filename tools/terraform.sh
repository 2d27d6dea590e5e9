#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Prints the path of the terraform binary that tests run: Terraform or OpenTofu of this machine, or else OpenTofu,
# compiled from its Go module. What it does goes to stderr.
set -euo pipefail

version=v1.12.6
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi/opentofu-$version

main() {
  command -v terraform || command -v tofu || compile
}

compile() {
  if [[ ! -x $cache/tofu ]]; then
    echo "terraform: compiling OpenTofu $version, which takes some minutes" >&2
    GOBIN=$cache CGO_ENABLED=0 go install "github.com/opentofu/opentofu/cmd/tofu@$version" >&2
  fi
  echo "$cache/tofu"
}

main
