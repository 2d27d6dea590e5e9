#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs Cluster API's own end-to-end specs (test/upstream) against the provider of this checkout. FOCUS is a regular
# expression of the specs to run; ARTIFACTS is a folder for their logs.
#
#   FOCUS="quick start" tools/upstream.sh
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
export ARTIFACTS=${ARTIFACTS:-$cache/upstream}

make -s docker images install
terraform=$(tools/terraform.sh)
TF_ACC=1 TF_ACC_TERRAFORM_PATH=$terraform TF_CLI_CONFIG_FILE=$cache/plugins/terraform.tfrc \
  go test -C test/upstream -v -count 1 -timeout 8h -run '^TestAccUpstream$' . \
  -args -ginkgo.v -ginkgo.timeout 8h ${FOCUS:+-ginkgo.focus "$FOCUS"}
echo "Logs are in $ARTIFACTS"
