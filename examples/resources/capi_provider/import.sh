# [MANAGEMENT_CLUSTER/]NAME, with the provider's name in clusterctl's inventory.
terraform import 'capi_provider.this["cluster-api"]' kind://mgmt/cluster-api

# In the management cluster of the provider block.
terraform import capi_provider.core cluster-api
