# Clusters in two management clusters elsewhere, from an HCP Terraform workspace with dynamic credentials. Nothing of Docker
# or KinD is needed where this runs.

terraform {
  required_providers {
    capi = {
      source = "terraform-capi/capi"
    }
  }
}

# TFC_KUBERNETES_PROVIDER_AUTH=true: HCP Terraform puts a token into KUBE_TOKEN, for each plan and apply another one.
provider "capi" {
  host                   = var.production.host
  cluster_ca_certificate = var.production.cluster_ca_certificate
}

# TFC_KUBERNETES_PROVIDER_AUTH_STAGING=true: the token is in a file.
provider "capi" {
  alias                  = "staging"
  host                   = var.staging.host
  cluster_ca_certificate = var.staging.cluster_ca_certificate
  token                  = file(var.tfc_kubernetes_dynamic_credentials.aliases["STAGING"].token_path)
}

resource "capi_cluster_class" "production" {
  namespace = var.production.namespace
  name      = "quick-start"
  manifest  = file("${path.module}/class.yaml")
}

resource "capi_cluster" "production" {
  namespace = var.production.namespace
  name      = "web"
  topology = {
    class         = capi_cluster_class.production.name
    version       = "v1.35.0"
    control_plane = { replicas = 3 }
    workers       = { machine_deployments = { md-0 = { class = "default-worker", replicas = 3 } } }
  }
}

resource "capi_cluster_class" "staging" {
  provider  = capi.staging
  namespace = var.staging.namespace
  name      = "quick-start"
  manifest  = file("${path.module}/class.yaml")
}

resource "capi_cluster" "staging" {
  provider  = capi.staging
  namespace = var.staging.namespace
  name      = "web"
  topology = {
    class         = capi_cluster_class.staging.name
    version       = "v1.35.0"
    control_plane = { replicas = 1 }
    workers       = { machine_deployments = { md-0 = { class = "default-worker", replicas = 1 } } }
  }
}
