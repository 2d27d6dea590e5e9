resource "capi_cluster" "quickstart" {
  management_cluster = capi_management_cluster.mgmt.id
  name               = "capi-quickstart"
  labels             = { env = "production" }

  topology = {
    class = capi_cluster_class.quickstart.name
    # A higher version upgrades the cluster in place, control plane first. The plan
    # says in upgrade and rollout what it does.
    version = "v1.35.0"

    control_plane = {
      replicas = 3
      deletion = { node_drain_timeout_seconds = 300 }
    }

    workers = {
      machine_deployments = {
        md-0 = {
          class             = "default-worker"
          replicas          = 3
          min_ready_seconds = 10
          rollout           = { strategy = { type = "RollingUpdate", rolling_update = { max_surge = "1", max_unavailable = "0" } } }
          # A machine whose node is not ready for five minutes is replaced, as long
          # as no more than two are like that.
          health_check = {
            checks = {
              unhealthy_node_conditions = [{ type = "Ready", status = "Unknown", timeout_seconds = 300 }]
            }
            remediation = { trigger_if = { unhealthy_less_than_or_equal_to = "2" } }
          }
        }
        # The number of machines is left to the cluster autoscaler, within limits.
        md-1 = {
          class      = "default-worker"
          autoscaler = { min_size = 1, max_size = 5 }
          metadata   = { labels = { "example.com/pool" = "batch" } }
          # Overrides the cluster's value for these machines.
          variables = { workerMounts = [{ hostPath = "/srv/batch", containerPath = "/data" }] }
        }
      }
      # Infrastructure that keeps machines as a group has machine pools as well;
      # Docker has none.
      # machine_pools = {
      #   mp-0 = { class = "default-pool", replicas = 3, failure_domains = ["a", "b"] }
      # }
    }

    # Values for the variables that the class declares.
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

  # Everything up to date and ready; other levels let the apply go on earlier.
  wait_for = "rollout"
  timeouts = { create = "20m", update = "1h" }

  # deletion_protection = true
}
