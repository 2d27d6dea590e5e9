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

# In a management cluster that is not a KinD cluster on this machine, the
# controllers come from a registry.
resource "capi_provider" "core" {
  provider = capi.production

  name  = "cluster-api"
  image = "registry.example.com/terraform-provider-capi:v0.1.0"
}
