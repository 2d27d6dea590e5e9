provider "capi" {
  kubeconfig_path = "no-such-file"
}
resource "capi_provider" "core" {
  name = "cluster-api"
}
