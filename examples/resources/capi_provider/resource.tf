resource "capi_management_cluster" "mgmt" {
  name = "mgmt"
}

# One provider of each type makes a working Cluster API.
resource "capi_provider" "this" {
  for_each = toset([
    "cluster-api",
    "bootstrap-kubeadm",
    "control-plane-kubeadm",
    "infrastructure-docker",
  ])

  management_cluster = capi_management_cluster.mgmt.id
  name               = each.key
}

# In the management cluster of the provider block, which pulls the controllers from a
# registry. The core provider goes first, at upgrades, too.
locals {
  deployment = {
    replicas           = 2
    image_pull_secrets = [{ name = "registry" }]
  }
}

resource "capi_provider" "core" {
  name       = "cluster-api"
  image      = "registry.example.com/terraform-provider-capi:v0.1.0"
  deployment = local.deployment
}

resource "capi_provider" "others" {
  for_each   = toset(["bootstrap-kubeadm", "control-plane-kubeadm"])
  name       = each.key
  image      = "registry.example.com/terraform-provider-capi:v0.1.0"
  deployment = local.deployment
  depends_on = [capi_provider.core]
}
