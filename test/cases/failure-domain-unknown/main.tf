resource "capi_cluster" "c" {
  management_cluster = "kind://none"
  name               = "one"
  topology = {
    class         = capi_cluster_class.quickstart.name
    version       = "v1.34.3"
    control_plane = { replicas = 1 }
    workers       = { machine_deployments = { md-0 = { class = "default-worker", failure_domain = "nope" } } }
  }

}
