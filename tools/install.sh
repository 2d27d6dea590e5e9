#!/usr/bin/env bash
# Installs a provider binary into a mirror and writes a CLI configuration that uses it.
# Usage: install.sh BINARY MIRROR VERSION PLATFORM
set -euo pipefail
binary=$1 mirror=$2 version=$3 platform=$4

# Terraform and OpenTofu complete the source "terraform-capi/capi" with registries of their own.
for registry in registry.terraform.io registry.opentofu.org; do
  folder=$mirror/$registry/terraform-capi/capi/$version/$platform
  mkdir -p "$folder"
  # A running plugin keeps its file: replace it, do not write into it.
  cp "$binary" "$folder/.new"
  mv "$folder/.new" "$folder/terraform-provider-capi_v$version"
done

# The override lets `plan` and `apply` work without `init`; the mirror lets `init` find this provider beside others
# from the registry.
cat >"$mirror/terraform.tfrc" <<EOT
provider_installation {
  dev_overrides {
    "registry.terraform.io/terraform-capi/capi" = "$mirror/registry.terraform.io/terraform-capi/capi/$version/$platform"
    "registry.opentofu.org/terraform-capi/capi" = "$mirror/registry.opentofu.org/terraform-capi/capi/$version/$platform"
  }
  filesystem_mirror {
    path    = "$mirror"
    include = ["registry.terraform.io/terraform-capi/capi", "registry.opentofu.org/terraform-capi/capi"]
  }
  direct {
    exclude = ["registry.terraform.io/terraform-capi/capi", "registry.opentofu.org/terraform-capi/capi"]
  }
}
EOT
