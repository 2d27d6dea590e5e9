#!/usr/bin/env bash
# Runs the tests, by what they need: unit (Go), integration and crash (an API server), acc (Docker, KinD, Terraform); all
# of these, with the linters and the check of generated files before, if none is named; and resilience (root and Linux as well)
# by itself. What this machine cannot give is said, and skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
mkdir -p "$cache/bin"
skipped=()
# What runs a command with an engine of its own, if it is to have one.
engine=()

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
  go test -C test/upstream -timeout 10m -skip '^TestAcc' ./...
}

integration() {
  say "Tests that need an API server"
  if ! assets=$(tools/envtest.sh); then
    skip "integration tests: no kube-apiserver and etcd, see above"
    return
  fi
  mapfile -t packages < <(packages '^func TestIntegration')
  KUBEBUILDER_ASSETS=$assets TF_ACC_TERRAFORM_PATH=$(tools/terraform.sh) \
    go test -timeout 40m -run '^TestIntegration' "${packages[@]}"
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
  on_real_nodes 90m -run '^TestAcc' -skip '^TestAcc(Upgrade|Elsewhere|SecondProvider)$' "${packages[@]}"
}

# Not one of all: it builds the previous release as well.
upgrade() {
  say "An upgrade of the provider from the previous release"
  make -s images
  on_real_nodes 60m -run '^TestAccUpgrade$' ./test/e2e
}

# Not one of all, for its time. CLIS=/path/to/tofu:/path/to/terraform adds programs that the second provider is tested with.
elsewhere() {
  say "A management cluster of three nodes elsewhere, and a provider configured from a cluster"
  make -s images
  on_real_nodes 90m -run '^TestAcc(Elsewhere|SecondProvider)$' ./test/e2e
}

# Not one of all: it takes as long as the others together. RUNS=3 inflicts each fault as often; FAULTS=disk only those whose
# names match.
resilience() {
  say "Kills, restarts, an upgrade, and faults of what a cluster with three control plane nodes depends on"
  make -s images
  engine=(tools/engine.sh)
  for image in $(make -s image-list); do engine+=(--image "$image"); done
  local tests='^TestAcc(Resilience|Faults)$'
  [[ -z ${FAULTS:-} ]] || tests="^TestAccFaults$/$FAULTS"
  on_real_nodes 5h -run "$tests" ./test/e2e -runs "${RUNS:-1}"
}

# The first argument limits the time. One package at a time: each wants the machine for itself. The linker flags make the
# test binary, which is also the controllers image, a third of its size.
on_real_nodes() {
  go build -o "$cache/bin/sweep" ./test/sweep
  TF_ACC=1 TF_ACC_TERRAFORM_PATH=$(tools/terraform.sh) CLUSTERCTL=$cache/bin/clusterctl CGO_ENABLED=0 \
    "${engine[@]}" "$cache/bin/sweep" go test -v -p 1 -count 1 -timeout "$1" -ldflags '-s -w' "${@:2}"
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
unit | integration | crash | acc | upgrade | elsewhere | resilience) "$1" ;;
all)
  generated
  say "Linters"
  make -s lint
  unit
  integration
  crash
  acc
  ;;
*) echo "usage: $0 [unit|integration|crash|acc|upgrade|elsewhere|resilience]" >&2; exit 2 ;;
esac

for reason in "${skipped[@]}"; do echo "Skipped: $reason"; done
