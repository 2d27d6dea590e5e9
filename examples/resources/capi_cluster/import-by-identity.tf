import {
  to = capi_cluster.quickstart
  identity = {
    # Left out, it is the management cluster of the provider block.
    management_cluster = "kind://mgmt"
    namespace          = "default"
    name               = "capi-quickstart"
  }
}
