variable "management_cluster_name" {
  description = "Name of the KinD cluster that Cluster API runs in."
  type        = string
  default     = "mgmt"
}

variable "cluster_name" {
  description = "Name of the workload cluster."
  type        = string
  default     = "capi-quickstart"
}

variable "kubernetes_version" {
  description = "Kubernetes version of the workload cluster. Change it to upgrade the cluster in place, node by node."
  type        = string
  default     = "v1.34.3"
}

variable "control_plane_replicas" {
  description = "Number of control plane nodes: 1, 3 or 5."
  type        = number
  default     = 1
}

variable "worker_replicas" {
  description = "Number of worker nodes."
  type        = number
  default     = 1
}
