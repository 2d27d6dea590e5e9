resource "capi_cluster_class" "c" {
  management_cluster = "kind://none"
  namespace          = "default"
  manifest           = file("${path.module}/class.yaml")
}
