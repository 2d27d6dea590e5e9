# All defaults: what Cluster API needs to run clusters in Docker.
resource "capi_management_cluster" "mgmt" {
  name = "mgmt"
}

resource "capi_management_cluster" "custom" {
  name       = "custom"
  node_image = "kindest/node:v1.34.3"

  labels = {
    "example.com/tier" = "management"
  }

  extra_port_mappings = [
    { container_port = 30080, host_port = 8080 },
  ]

  extra_mounts = [
    { host_path = "/srv/backups", container_path = "/backups" },
  ]

  kubeadm_config_patches = [
    yamlencode({
      kind    = "KubeletConfiguration"
      maxPods = 200
    }),
  ]

  # For kubectl: adds the context kind-custom to this file.
  kubeconfig_path = "~/.kube/config"

  timeouts = {
    create = "15m"
  }
}
