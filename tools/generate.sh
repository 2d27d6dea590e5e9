#!/usr/bin/env bash
# Regenerates what generators write: deepcopy functions, the manifests of the bundled providers, the registry's docs.
set -euo pipefail
cd "$(dirname "$0")/.."

tool() { go tool -modfile=tools/go.mod "$@"; }

tool controller-gen object:headerFile=tools/header.go.txt paths=./controllers/docker/api/...
(cd controllers/config && go run ./generate)

# The documentation is made of the schemas that the built provider tells Terraform. tfplugindocs would run Terraform
# itself, but only one that is called terraform, and it looks for providers in the namespace hashicorp.
make -s install
terraform=$(tools/terraform.sh)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
"$terraform" fmt -recursive examples >/dev/null
workspace=$(mktemp -d)
trap 'rm -rf "$workspace"' EXIT
printf 'terraform {\n  required_providers {\n    capi = { source = "terraform-capi/capi" }\n  }\n}\n' >"$workspace/main.tf"
TF_CLI_CONFIG_FILE=$cache/plugins/terraform.tfrc "$terraform" -chdir="$workspace" providers schema -json |
  sed -E 's#registry\.(terraform\.io|opentofu\.org)/terraform-capi/capi#registry.terraform.io/hashicorp/capi#' >"$workspace/schema.json"
tool tfplugindocs generate --provider-name capi --rendered-provider-name "Cluster API" --providers-schema "$workspace/schema.json" >/dev/null
