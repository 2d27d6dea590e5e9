# From nothing to a Kubernetes cluster in one apply: a KinD management cluster with the four bundled Cluster API
# providers, a cluster class, and a cluster made from it. Every node is a container.

terraform {
  required_providers {
    capi = {
      source = "terraform-capi/capi"
    }
  }
}

resource "capi_management_cluster" "this" {
  name       = var.management_cluster_name
  node_image = "kindest/node:v1.34.3"
}

resource "capi_provider" "this" {
  for_each           = toset(["cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  management_cluster = capi_management_cluster.this.id
  name               = each.key
}

resource "capi_cluster_class" "quickstart" {
  management_cluster = capi_management_cluster.this.id
  name               = "quick-start"

  infrastructure = {
    template = {
      api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
      kind        = "DockerClusterTemplate"
      spec        = {}
    }
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
        spec        = {}
      }
    }
  }

  workers = {
    machine_deployments = {
      default-worker = {
        bootstrap = {
          template = {
            api_version = "bootstrap.cluster.x-k8s.io/v1beta2"
            kind        = "KubeadmConfigTemplate"
            spec        = { format = "cloud-config" }
          }
        }
        infrastructure = {
          template = {
            api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
            kind        = "DockerMachineTemplate"
            spec        = {}
          }
        }
      }
    }
  }

  # The class is served by the providers, and must go before them.
  depends_on = [capi_provider.this]
}

resource "capi_cluster" "quickstart" {
  management_cluster = capi_management_cluster.this.id
  name               = var.cluster_name

  topology = {
    class         = capi_cluster_class.quickstart.name
    version       = var.kubernetes_version
    control_plane = { replicas = var.control_plane_replicas }
    workers = {
      machine_deployments = {
        md-0 = { class = "default-worker", replicas = var.worker_replicas }
      }
    }
  }

  cluster_network = {
    pods           = ["10.10.0.0/16"]
    services       = ["10.20.0.0/16"]
    service_domain = "cluster.local"
  }

  # The CNI that the node image brings along.
  cni = { name = "kindnet" }
}

# A kubeconfig in the state, for the output below. Where state is shared, use the ephemeral resource of the same name.
resource "capi_kubeconfig" "quickstart" {
  cluster_id = capi_cluster.quickstart.id
}
