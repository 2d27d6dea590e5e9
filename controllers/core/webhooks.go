// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package core

import (
	ctrl "sigs.k8s.io/controller-runtime"

	"sigs.k8s.io/cluster-api/core/webhooks/admission"
	"sigs.k8s.io/cluster-api/core/webhooks/conversion"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

func addWebhooks(mgr ctrl.Manager, clusterCache admission.ClusterCacheReader) error {
	conversion.SetAPIVersionGetter(manager.APIVersionGetter(mgr.GetClient()))
	apiClient := mgr.GetClient()
	return manager.AddWebhooks(mgr,
		&admission.ClusterClass{Client: apiClient},
		&admission.Cluster{Client: apiClient, ClusterCacheReader: clusterCache},
		&admission.Machine{},
		&admission.MachineSet{},
		&admission.MachineDeployment{},
		&admission.MachineDrainRule{},
		&admission.MachinePool{},
		&admission.MachineHealthCheck{},
		&admission.ClusterResourceSet{},
		&admission.ClusterResourceSetBinding{},
		&admission.ExtensionConfig{},
		&admission.IPAddress{Client: mgr.GetAPIReader()},
		&admission.IPAddressClaim{},
	)
}
