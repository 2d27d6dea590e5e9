terraform {
  required_providers {
    capi = {
      source = "terraform-capi/capi"
    }
  }
}

# For KinD management clusters on this machine nothing needs to be configured:
# resources refer to them by id.
provider "capi" {}

# For a management cluster elsewhere, which resources then need not name. The token may
# also come from the environment, as CAPI_TOKEN or KUBE_TOKEN.
provider "capi" {
  alias                  = "production"
  host                   = "https://mgmt.example.com:6443"
  cluster_ca_certificate = file("${path.module}/mgmt-ca.crt")
  token                  = var.token
}

# The same, from a kubeconfig.
provider "capi" {
  alias           = "staging"
  kubeconfig_path = "~/.kube/config"
  context         = "staging-management"
}
