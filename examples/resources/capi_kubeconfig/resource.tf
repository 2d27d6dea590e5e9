# The credentials are in the state. Prefer the ephemeral resource where you can.
resource "capi_kubeconfig" "quickstart" {
  cluster_id = capi_cluster.quickstart.id
}

resource "local_sensitive_file" "kubeconfig" {
  filename = "${path.module}/capi-quickstart.kubeconfig"
  content  = capi_kubeconfig.quickstart.kubeconfig
}

# For what runs in the same network as the nodes.
resource "capi_kubeconfig" "internal" {
  cluster_id = capi_cluster.quickstart.id
  endpoint   = "internal"
}
