output "kubeconfig" {
  description = "Administrator's kubeconfig of the workload cluster; it works from the machine that Docker runs on."
  value       = capi_kubeconfig.quickstart.kubeconfig
  sensitive   = true
}
