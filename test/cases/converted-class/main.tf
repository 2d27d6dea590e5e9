# Templates and variables of a typed class are converted as attributes with a type are.
variable "number" {
  default = 5
}
resource "capi_cluster_class" "c" {
  management_cluster = "kind://none"
  name               = "plain"
  infrastructure = {
    template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerClusterTemplate", spec = {} }
  }
  control_plane = {
    template = {
      api_version = "controlplane.cluster.x-k8s.io/v1beta2"
      kind        = "KubeadmControlPlaneTemplate"
      spec        = { kubeadmConfigSpec = { format = "cloud-config" } }
    }
    machine_infrastructure = {
      template = {
        api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
        kind        = "DockerMachineTemplate"
        spec        = { customImage = "${var.number}" }
      }
    }
  }
  variables = {
    size = { schema = { type = "integer", minimum = "1", default = 3 } }
  }
}
