# [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME
terraform import capi_cluster_class.quickstart kind://mgmt/default/quick-start

# In the management cluster of the provider block.
terraform import capi_cluster_class.quickstart default/quick-start

# Terraform 1.12 and later can also import by identity, in a configuration:
#   import {
#     to       = capi_cluster_class.quickstart
#     identity = { management_cluster = "kind://mgmt", namespace = "default", name = "quick-start" }
#   }
