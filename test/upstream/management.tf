# The management cluster that the specs run against: everything as users have it by default.

terraform {
  required_providers {
    capi = {
      source = "terraform-capi/capi"
    }
  }
}

resource "capi_management_cluster" "this" {
  name            = "upstream-e2e"
  kubeconfig_path = "${abspath(path.module)}/kubeconfig"
}

resource "capi_provider" "this" {
  for_each           = toset(["cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  management_cluster = capi_management_cluster.this.id
  name               = each.key
}

output "kubeconfig_path" {
  value = capi_management_cluster.this.kubeconfig_path
}

output "version" {
  description = "Version of Cluster API in clusterctl's inventory."
  value       = capi_provider.this["infrastructure-docker"].version
}
