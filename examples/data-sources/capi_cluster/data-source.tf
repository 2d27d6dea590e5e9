# A cluster that somebody else made, in the management cluster of the provider block.
data "capi_cluster" "shared" {
  namespace = "platform"
  name      = "shared"
}

output "shared" {
  value = {
    versions = data.capi_cluster.shared.kubernetes_versions
    ready    = data.capi_cluster.shared.ready
    workers  = { for name, count in data.capi_cluster.shared.replicas.machine_deployments : name => count.ready }
  }
}

# Its id is what capi_kubeconfig takes.
ephemeral "capi_kubeconfig" "shared" {
  cluster_id = data.capi_cluster.shared.id
}
