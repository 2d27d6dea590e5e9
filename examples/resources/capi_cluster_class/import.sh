# [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME
terraform import capi_cluster_class.quickstart kind://mgmt/default/quick-start

# In the management cluster of the provider block.
terraform import capi_cluster_class.quickstart default/quick-start
