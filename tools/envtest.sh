#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Prints the folder with the kube-apiserver, etcd and kubectl that integration tests start (KUBEBUILDER_ASSETS).
# They are downloaded, or compiled from Go modules where they cannot be. What it does goes to stderr.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
version=v1.35.0
compiled=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi/envtest/$version

main() {
  if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
    echo "$KUBEBUILDER_ASSETS"
  elif [[ -x $compiled/kube-apiserver && -x $compiled/etcd ]]; then
    echo "$compiled"
  else
    download || compile
  fi
}

# setup-envtest finds what it downloaded before without a network.
download() {
  timeout 300 go run sigs.k8s.io/controller-runtime/tools/setup-envtest@v0.25.1 use "${version#v}" --print path ||
    { echo "envtest: it cannot be downloaded, so it is compiled" >&2 && false; }
}

compile() {
  go run -C "$root/test/nodeimage" . envtest "$version"
}

main
