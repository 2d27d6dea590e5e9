# By the name that `kind get clusters` shows. The cluster must be running.
terraform import capi_management_cluster.mgmt mgmt
