# A class of clusters whose machines are containers. Editing a template here makes
# a new template object and rolls the machines that are made from it.
resource "capi_cluster_class" "quickstart" {
  management_cluster = capi_management_cluster.mgmt.id
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
      # The API's own field names.
      spec = {
        kubeadmConfigSpec = {
          clusterConfiguration = { apiServer = { certSANs = ["api.example.com"] } }
        }
      }
    }
    machine_infrastructure = {
      template = {
        api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
        kind        = "DockerMachineTemplate"
        spec        = {}
      }
    }
    # A control plane machine whose node is not ready for five minutes is replaced.
    health_check = {
      checks = {
        unhealthy_node_conditions = [
          { type = "Ready", status = "Unknown", timeout_seconds = 300 },
          { type = "Ready", status = "False", timeout_seconds = 300 },
        ]
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
        rollout = { strategy = { type = "RollingUpdate", rolling_update = { max_surge = "1" } } }
      }
    }
  }

  # Clusters give values, the patches below use them.
  variables = {
    workerMounts = {
      schema = {
        type    = "array"
        default = []
        items = {
          type     = "object"
          required = ["hostPath", "containerPath"]
          properties = {
            hostPath      = { type = "string" }
            containerPath = { type = "string" }
          }
        }
      }
    }
  }

  patches = [{
    name        = "workerMounts"
    description = "Mounts folders of the host into worker nodes."
    enabled_if  = "{{ if .workerMounts }}true{{ end }}"
    definitions = [{
      selector = {
        api_version     = "infrastructure.cluster.x-k8s.io/v1beta2"
        kind            = "DockerMachineTemplate"
        match_resources = { machine_deployment_class = { names = ["default-worker"] } }
      }
      json_patches = [{
        op         = "add"
        path       = "/spec/template/spec/extraMounts"
        value_from = { variable = "workerMounts" }
      }]
    }]
  }]

  # The class goes before the providers that serve it.
  depends_on = [capi_provider.this]
}

# A class from YAML: a ClusterClass and its templates.
resource "capi_cluster_class" "from_manifest" {
  management_cluster = capi_management_cluster.mgmt.id
  manifest           = <<-EOT
    apiVersion: cluster.x-k8s.io/v1beta2
    kind: ClusterClass
    metadata:
      name: small
    spec:
      infrastructure:
        templateRef:
          apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
          kind: DockerClusterTemplate
          name: cluster
      controlPlane:
        templateRef:
          apiVersion: controlplane.cluster.x-k8s.io/v1beta2
          kind: KubeadmControlPlaneTemplate
          name: control-plane
        machineInfrastructure:
          templateRef:
            apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
            kind: DockerMachineTemplate
            name: machine
    ---
    apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
    kind: DockerClusterTemplate
    metadata:
      name: cluster
    spec:
      template:
        spec: {}
    ---
    apiVersion: controlplane.cluster.x-k8s.io/v1beta2
    kind: KubeadmControlPlaneTemplate
    metadata:
      name: control-plane
    spec:
      template:
        spec:
          kubeadmConfigSpec:
            clusterConfiguration:
              apiServer:
                certSANs: [localhost]
    ---
    apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
    kind: DockerMachineTemplate
    metadata:
      name: machine
    spec:
      template:
        spec:
          customImage: kindest/node:v1.35.0
  EOT
}

# A provider's flavour file as it is: its variables are those of clusterctl, and what
# is not of the class, such as a Cluster, is left out and listed in left_out.
resource "capi_cluster_class" "from_flavour" {
  management_cluster  = capi_management_cluster.mgmt.id
  manifest            = file("${path.module}/cluster-template-topology.yaml")
  manifest_class_only = true
  manifest_variables = {
    CLUSTER_CLASS_NAME = "topology"
    CLUSTER_NAME       = "unused" # Only documents that are left out have it.
  }
}
