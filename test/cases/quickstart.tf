# The class of examples/quickstart, as a manifest. Cases link to it.
resource "capi_cluster_class" "quickstart" {
  management_cluster = "kind://none"
  manifest           = <<-EOT
    apiVersion: cluster.x-k8s.io/v1beta2
    kind: ClusterClass
    metadata: {name: quick-start}
    spec:
      infrastructure:
        templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, name: cluster}
      controlPlane:
        templateRef: {apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, name: control-plane}
        machineInfrastructure:
          templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, name: machine}
      workers:
        machineDeployments:
        - class: default-worker
          bootstrap:
            templateRef: {apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, name: worker}
          infrastructure:
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
    spec: {template: {spec: {kubeadmConfigSpec: {format: cloud-config}}}}
    ---
    apiVersion: bootstrap.cluster.x-k8s.io/v1beta2
    kind: KubeadmConfigTemplate
    metadata: {name: worker}
    spec: {template: {spec: {format: cloud-config}}}
    ---
    apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
    kind: DockerMachineTemplate
    metadata: {name: machine}
    spec: {template: {spec: {}}}
  EOT
}
