# By the id of the cluster: [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME
terraform import capi_kubeconfig.quickstart kind://mgmt/default/capi-quickstart
