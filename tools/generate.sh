#!/usr/bin/env bash
# Regenerates what generators write: deepcopy functions, the manifests of the bundled providers, the registry's docs.
set -euo pipefail
cd "$(dirname "$0")/.."

tool() { go tool -modfile=tools/go.mod "$@"; }

tool controller-gen object:headerFile=tools/header.go.txt paths=./controllers/docker/api/...
(cd controllers/config && go run ./generate)

# tfplugindocs asks the terraform binary for the schemas of the built provider.
terraform=$(tools/terraform.sh)
"$terraform" fmt -recursive examples >/dev/null
tool tfplugindocs generate --provider-name capi --rendered-provider-name "Cluster API" --tf-binary "$terraform" >/dev/null
