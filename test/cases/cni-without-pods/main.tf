# The shortest cluster whose nodes become ready: pods get the network that kind has.
resource "capi_cluster" "c" {
  management_cluster = "kind://none"
  name               = "no-pod-network"
  topology = {
    class         = capi_cluster_class.quickstart.name
    version       = "v1.34.3"
    control_plane = { replicas = 1 }
  }
  cni = { name = "kindnet" }
}
