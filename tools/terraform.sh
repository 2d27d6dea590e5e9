#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Prints the path of the terraform binary that tests run: what TF_ACC_TERRAFORM_PATH names, Terraform or OpenTofu of this
# machine, or else OpenTofu, compiled from its Go module. What it does goes to stderr.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)

if [[ -n ${TF_ACC_TERRAFORM_PATH:-} ]]; then
  echo "$TF_ACC_TERRAFORM_PATH"
else
  command -v terraform || command -v tofu || go run -C "$root/test/nodeimage" . opentofu v1.12.6
fi
