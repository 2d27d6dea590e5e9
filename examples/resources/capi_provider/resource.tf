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

# In the management cluster of the provider block. One that is not a KinD cluster
# on this machine takes the controllers from a registry.
resource "capi_provider" "core" {
  name  = "cluster-api"
  image = "registry.example.com/terraform-provider-capi:v0.1.0"
}
