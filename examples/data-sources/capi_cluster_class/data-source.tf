data "capi_cluster_class" "golden" {
  namespace = "platform"
  name      = "golden"
}

resource "capi_cluster" "web" {
  name = "web"
  topology = {
    class           = data.capi_cluster_class.golden.name
    class_namespace = data.capi_cluster_class.golden.namespace
    # The newest version that the class lists.
    version       = reverse(data.capi_cluster_class.golden.kubernetes_versions)[0]
    control_plane = { replicas = 3 }
    workers = {
      # One machine deployment of each class there is.
      machine_deployments = { for class, kinds in data.capi_cluster_class.golden.machine_deployment_classes : class => { class = class, replicas = 2 } }
    }
    variables = { region = "eu" }
  }
}

output "variables_to_set" {
  value = [for name, variable in data.capi_cluster_class.golden.variables : name if variable.required]
}
