resource "capi_cluster_class" "c" {
  management_cluster = "kind://none"
  manifest           = file("${path.module}/class.yaml")
  manifest_variables = { CLASS = "plain" }
}
