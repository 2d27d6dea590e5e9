resource "capi_cluster" "c" {
  management_cluster = "kind://none"
  name               = "one"
  topology = {
    class         = capi_cluster_class.quickstart.name
    version       = "v1.34.3"
    control_plane = { replicas = 1 }
  }
  cluster_network = { pods = ["10.10.0.0/16"], services = ["10.10.128.0/20"] }
}
