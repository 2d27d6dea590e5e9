resource "capi_cluster_class" "c" {
  management_cluster = "kind://none"
  manifest           = file("${path.module}/class.yaml")
}
resource "capi_cluster" "c" {
  management_cluster = "kind://none"
  name               = "one"
  topology = {
    class         = capi_cluster_class.c.name
    version       = "v1.35.0"
    control_plane = { replicas = 3 }
    variables     = { sitte = "x" }
  }
}
