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

# For a management cluster elsewhere, which resources then need not name.
provider "capi" {
  alias           = "production"
  kubeconfig_path = "~/.kube/config"
  context         = "production-management"
}
