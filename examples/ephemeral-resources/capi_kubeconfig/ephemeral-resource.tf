# Opened when the cluster exists, and stored nowhere.
ephemeral "capi_kubeconfig" "quickstart" {
  cluster_id = capi_cluster.quickstart.id
}

provider "kubernetes" {
  host                   = ephemeral.capi_kubeconfig.quickstart.host
  cluster_ca_certificate = ephemeral.capi_kubeconfig.quickstart.cluster_ca_certificate
  client_certificate     = ephemeral.capi_kubeconfig.quickstart.client_certificate
  client_key             = ephemeral.capi_kubeconfig.quickstart.client_key
}
