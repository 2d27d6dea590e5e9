# [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME
terraform import capi_cluster.quickstart kind://mgmt/default/capi-quickstart

# In the management cluster of the provider block.
terraform import capi_cluster.quickstart default/capi-quickstart

# Terraform 1.12 and later can also import by identity, in a configuration:
#   import {
#     to       = capi_cluster.quickstart
#     identity = { management_cluster = "kind://mgmt", namespace = "default", name = "capi-quickstart" }
#   }
