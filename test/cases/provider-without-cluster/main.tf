resource "capi_provider" "core" {
  name = "cluster-api"
}
