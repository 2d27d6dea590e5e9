#!/usr/bin/env bash
# Runs the tests, by what they need: unit (Go), integration and crash (an API server), acc (Docker, KinD, Terraform); all
# of these, with the linters and the check of generated files before, if none is named; and resilience by itself. What
# this machine cannot give is said, and skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
mkdir -p "$cache/bin"
skipped=()

say() { printf '\n==> %s\n' "$*"; }
skip() { skipped+=("$*"); say "SKIPPED: $*"; }

unit() {
  say "Tests that need nothing but Go"
  race=(-race)
  if ! command -v gcc >/dev/null; then
    race=()
    skip "the race detector: it needs a C compiler (gcc)"
  fi
  CGO_ENABLED=$((${#race[@]})) go test "${race[@]}" -timeout 10m -skip '^Test(Integration|Crash|Acc)' ./...
  go test -C test/nodeimage -timeout 10m ./...
}

integration() {
  say "Tests that need an API server"
  if ! assets=$(tools/envtest.sh); then
    skip "integration tests: no kube-apiserver and etcd, see above"
    return
  fi
  mapfile -t packages < <(packages '^func TestIntegration')
  KUBEBUILDER_ASSETS=$assets TF_ACC_TERRAFORM_PATH=$(tools/terraform.sh) \
    go test -timeout 20m -run '^TestIntegration' "${packages[@]}"
}

# More crashes than the one at every call site: SEEDS=1000 make test-crash
crash() {
  say "Crashes of the provider at its calls to the engine and the API"
  if ! assets=$(tools/envtest.sh); then
    skip "crash tests: no kube-apiserver and etcd, see above"
    return
  fi
  KUBEBUILDER_ASSETS=$assets TF_ACC_TERRAFORM_PATH=$(tools/terraform.sh) \
    go test -timeout 60m -parallel 4 ./test/crash -seeds "${SEEDS:-0}"
}

acc() {
  say "Tests on real nodes"
  if ! make -s docker; then
    skip "acceptance tests: no Docker engine, see above"
    return
  fi
  make -s images
  go build -modfile=tools/go.mod -o "$cache/bin/clusterctl" sigs.k8s.io/cluster-api/cmd/clusterctl
  mapfile -t packages < <(packages '^func TestAcc')
  on_real_nodes -run '^TestAcc' -skip '^TestAccResilience$' "${packages[@]}"
}

# Not one of all: it takes as long as the others together, and restarts the engine.
resilience() {
  say "Kills, restarts and an upgrade of a cluster with three control plane nodes"
  make -s docker images
  on_real_nodes -run '^TestAccResilience$' ./test/e2e
}

# One package at a time: each wants the machine for itself. The linker flags make the test binary, which is also the
# controllers image, a third of its size.
on_real_nodes() {
  TF_ACC=1 TF_ACC_TERRAFORM_PATH=$(tools/terraform.sh) CLUSTERCTL=$cache/bin/clusterctl CGO_ENABLED=0 \
    go test -v -p 1 -count 1 -timeout 60m -ldflags '-s -w' "$@"
}

# packages that have tests whose declaration matches, in this module.
packages() {
  git ls-files -co --exclude-standard '*_test.go' | grep -vE '^test/(nodeimage|upstream)/' | xargs grep -lE "$1" | xargs -n 1 dirname | sort -u | sed 's|^|./|'
}

generated() {
  say "Generated files"
  before=$(git status --porcelain)
  make -s generate
  if [ "$(git status --porcelain)" != "$before" ]; then
    git status --porcelain
    echo "Generated files are out of date: run make generate and commit the result." >&2
    exit 1
  fi
  echo "up to date"
}

case ${1:-all} in
unit | integration | crash | acc | resilience) "$1" ;;
all)
  generated
  say "Linters"
  make -s lint
  unit
  integration
  crash
  acc
  ;;
*) echo "usage: $0 [unit|integration|crash|acc|resilience]" >&2; exit 2 ;;
esac

for reason in "${skipped[@]}"; do echo "Skipped: $reason"; done
