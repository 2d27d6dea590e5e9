# Of a manifest, before there is any management cluster: terraform console, or an output, shows what to fill in.
output "variables" {
  value = provider::capi::class_variables_template(file("clusterclass-quick-start.yaml"))
}

# Of a class that is there.
data "capi_cluster_class" "golden" {
  name = "golden"
}

locals {
  variables = merge(provider::capi::class_variables_template(data.capi_cluster_class.golden.variables), { region = "eu" })
}
