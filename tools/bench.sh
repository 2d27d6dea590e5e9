#!/usr/bin/env bash
# Prints a timeline of the main job (test/bench), and writes it to bench.json. Arguments go to the benchmark, for
# example: tools/bench.sh -sizes 5+5
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
make -s images install
go run ./test/bench -terraform "$(tools/terraform.sh)" -plugins "$cache/plugins" -json bench.json "$@"
echo
echo "bench.json has the same as JSON."
