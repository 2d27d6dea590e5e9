# The administrator's kubeconfig, in the state. Prefer the ephemeral resource where Terraform has it.
resource "capi_kubeconfig" "quickstart" {
  cluster_id = capi_cluster.quickstart.id
}

resource "local_sensitive_file" "kubeconfig" {
  filename = "${path.module}/capi-quickstart.kubeconfig"
  content  = capi_kubeconfig.quickstart.kubeconfig
}

# The same, for use inside the network of the machines.
resource "capi_kubeconfig" "internal" {
  cluster_id = capi_cluster.quickstart.id
  endpoint   = "internal"
}

# A certificate for a person, whose permissions bindings in the cluster give to the group.
resource "capi_kubeconfig" "jane" {
  cluster_id = capi_cluster.quickstart.id
  user       = "jane"
  groups     = ["developers"]
  ttl        = "168h"
}
