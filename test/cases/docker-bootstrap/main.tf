resource "capi_cluster_class" "c" {
  management_cluster = "kind://none"
  name               = "docker"
  infrastructure     = { template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerClusterTemplate", spec = {} } }
  control_plane = {
    template               = { api_version = "controlplane.cluster.x-k8s.io/v1beta2", kind = "KubeadmControlPlaneTemplate", spec = { kubeadmConfigSpec = { format = "cloud-config" } } }
    machine_infrastructure = { template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerMachineTemplate", spec = {} } }
  }
  workers = { machine_deployments = { small = {
    bootstrap = { template = { api_version = "bootstrap.cluster.x-k8s.io/v1beta2", kind = "KubeadmConfigTemplate", spec = { ntp = { servers = ["ntp.example.com"] } } } }
    infrastructure = { template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerMachineTemplate", spec = {
      customImage = "example.com/node:1"
    } } }
  } } }
}
resource "capi_cluster" "c" {
  management_cluster = "kind://none"
  name               = "one"
  topology = {
    class         = capi_cluster_class.c.name
    version       = "v1.35.0"
    control_plane = { replicas = 1 }
    workers       = { machine_deployments = { md = { class = "small", replicas = 1 } } }
  }
}
