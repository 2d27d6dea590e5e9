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

# A token of a service account, which ends with that.
ephemeral "capi_kubeconfig" "ci" {
  cluster_id      = capi_cluster.quickstart.id
  service_account = { namespace = "ci", name = "deployer" }
  ttl             = "1h"
}
