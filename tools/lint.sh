#!/usr/bin/env bash
# Runs golangci-lint, built from its Go module into the cache, on all modules, and shellcheck where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
version=$(go list -m -modfile=tools/lint/go.mod -f '{{.Version}}' github.com/golangci/golangci-lint/v2)
linter=$cache/bin/golangci-lint-$version-$(go env GOVERSION)

if [ ! -x "$linter" ]; then
  echo "Building golangci-lint $version (once)" >&2
  CGO_ENABLED=0 go build -modfile=tools/lint/go.mod -o "$linter" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
fi
for module in . test/nodeimage test/upstream; do
  (cd "$module" && "$linter" run ./...)
done
if command -v shellcheck >/dev/null; then
  shellcheck tools/*.sh .ci/run controllers/docker/bootstrap/node/*.sh
else
  echo "shellcheck is not installed: the scripts were not checked" >&2
fi
