# The administrator's kubeconfig of a cluster that another workspace manages.
data "capi_cluster" "shared" {
  management_cluster = "kind://mgmt"
  name               = "shared"
}

data "capi_kubeconfig" "shared" {
  cluster_id = data.capi_cluster.shared.id
}
