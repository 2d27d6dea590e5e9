variable "kubeconfig" {
  type      = string
  ephemeral = true
}

variable "manifest_wo" {
  type      = string
  ephemeral = true
}

variable "manifest_wo_version" {
  type = number
}

variable "password" {
  type      = string
  sensitive = true
}

variable "mirror" {
  type = string
}

provider "capi" {
  kubeconfig = var.kubeconfig
}

locals {
  machine = {
    template = {
      api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerMachineTemplate"
      spec        = { imagePull = { secretRef = { name = "pull-secret" }, mirrors = [{ registry = "docker.io", mirror = var.mirror }] } }
    }
  }
}

resource "capi_cluster_class" "typed" {
  name = "typed"
  infrastructure = {
    template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerClusterTemplate", spec = {} }
  }
  control_plane = {
    template = {
      api_version = "controlplane.cluster.x-k8s.io/v1beta2", kind = "KubeadmControlPlaneTemplate"
      spec        = { kubeadmConfigSpec = { format = "cloud-config" } }
    }
    machine_infrastructure = local.machine
  }
  workers = {
    machine_deployments = {
      default-worker = {
        bootstrap = {
          template = {
            api_version = "bootstrap.cluster.x-k8s.io/v1beta2", kind = "KubeadmConfigTemplate"
            spec = {
              format = "cloud-config"
              files = [
                { path = "/etc/plain", content = "CANARY(template-file)" },
                { path = "/etc/secret", contentFrom = { secret = { name = "content-from", key = "token" } } },
              ]
              preKubeadmCommands = ["join.sh --token CANARY(template-command)"]
            }
          }
        }
        infrastructure = local.machine
      }
    }
  }
  variables = {
    plain    = { schema = { type = "string", default = "" } }
    password = { schema = { type = "string", default = "" } }
  }
}

resource "capi_cluster_class" "manifest" {
  manifest_variables = { REGISTRY_PASSWORD = "CANARY(manifest-variables)" }
  manifest           = <<-EOT
    apiVersion: cluster.x-k8s.io/v1beta2
    kind: ClusterClass
    metadata: {name: manifest}
    spec:
      infrastructure:
        templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, name: cluster}
      controlPlane:
        templateRef: {apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, name: control-plane}
        machineInfrastructure:
          templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, name: machine}
    ---
    apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
    kind: DockerClusterTemplate
    metadata: {name: cluster}
    spec: {template: {spec: {}}}
    ---
    apiVersion: controlplane.cluster.x-k8s.io/v1beta2
    kind: KubeadmControlPlaneTemplate
    metadata: {name: control-plane}
    spec:
      template:
        spec:
          kubeadmConfigSpec:
            format: cloud-config
            files:
            - {path: /etc/plain, content: CANARY(manifest)}
            - {path: /etc/filled-in, content: $${REGISTRY_PASSWORD}}
    ---
    apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
    kind: DockerMachineTemplate
    metadata: {name: machine}
    spec: {template: {spec: {}}}
  EOT
}

resource "capi_cluster" "open" {
  name = "open"
  topology = {
    class         = capi_cluster_class.typed.name
    version       = "v1.34.3"
    control_plane = { replicas = 1 }
    workers       = { machine_deployments = { md-0 = { class = "default-worker", replicas = 1 } } }
    variables     = { plain = "CANARY(variable)", password = var.password }
  }
  cni = { manifests = ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: open}\ndata: {text: CANARY(cni-manifests)}\n"] }
}

resource "capi_cluster" "closed" {
  name   = "closed"
  labels = { version = var.manifest_wo_version }
  topology = {
    class         = capi_cluster_class.manifest.name
    version       = "v1.34.3"
    control_plane = { replicas = 1 }
  }
  cni = { manifests_wo = [var.manifest_wo], manifests_wo_version = var.manifest_wo_version }
}

data "capi_cluster" "open" {
  name = reverse(split("/", capi_cluster.open.id))[0]
}

output "open" {
  value = {
    versions = data.capi_cluster.open.kubernetes_versions
    endpoint = data.capi_cluster.open.endpoint
    statuses = { for type, condition in data.capi_cluster.open.conditions : type => condition.status }
  }
}
