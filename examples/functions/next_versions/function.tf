data "capi_cluster_class" "golden" {
  name = "golden"
}

# What clusters at v1.34.3 can be set to.
output "choices" {
  value = provider::capi::next_versions("v1.34.3", data.capi_cluster_class.golden.kubernetes_versions)
}
