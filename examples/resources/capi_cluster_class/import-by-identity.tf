import {
  to = capi_cluster_class.quickstart
  identity = {
    # Left out, it is the management cluster of the provider block.
    management_cluster = "kind://mgmt"
    namespace          = "default"
    name               = "quick-start"
  }
}
