# A provider configured from a kubeconfig that came from elsewhere.
locals {
  shared = provider::capi::kubeconfig_parse(var.kubeconfig, "production")
}

provider "kubernetes" {
  host                   = local.shared.host
  cluster_ca_certificate = local.shared.cluster_ca_certificate
  token                  = local.shared.token
}
