resource "capi_cluster" "quickstart" {
  management_cluster = capi_management_cluster.mgmt.id
  name               = "capi-quickstart"

  topology = {
    class = capi_cluster_class.quickstart.name
    # A higher version upgrades the cluster in place, control plane first.
    version       = "v1.35.0"
    control_plane = { replicas = 3 }
    workers = {
      machine_deployments = {
        md-0 = { class = "default-worker", replicas = 3 }
        # Without replicas their number is left to an autoscaler.
        md-1 = {
          class     = "default-worker"
          metadata  = { labels = { "example.com/pool" = "batch" } }
          variables = { workerMounts = [{ hostPath = "/srv/batch", containerPath = "/data" }] }
        }
      }
    }
    variables = {
      workerMounts = [{ hostPath = "/srv", containerPath = "/srv" }]
    }
  }

  cluster_network = {
    pods           = ["10.10.0.0/16"]
    services       = ["10.20.0.0/16"]
    service_domain = "cluster.local"
  }

  # The network plugin that node images bring along. Others come as manifests:
  # cni = { manifests = [file("calico.yaml")] }
  cni = { name = "kindnet" }

  timeouts = { create = "20m", update = "1h" }
}
