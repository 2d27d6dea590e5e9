# One file for kubectl, with a context for each cluster.
resource "local_sensitive_file" "kubeconfig" {
  filename = "${path.module}/kubeconfig"
  content  = provider::capi::kubeconfig_merge({ for name, cluster in capi_kubeconfig.this : name => cluster.kubeconfig })
}
