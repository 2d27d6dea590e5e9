# [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME
terraform import capi_cluster.quickstart kind://mgmt/default/capi-quickstart

# In the management cluster of the provider block.
terraform import capi_cluster.quickstart default/capi-quickstart
