// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// offlineClient answers what upstream's generator asks of an API server: which
// contract the versions of the control plane's kind follow, and which machines
// there are. Everything else it takes from the scope that it is given.
type offlineClient struct{ client.Client }

// contracts are the labels of every CustomResourceDefinition as offlineClient
// has it. All bundled kinds follow the contract that their version is named
// after; of others it can only be assumed, and a provider that numbers its
// versions otherwise follows the current contract.
var contracts = map[string]string{
	clusterv1.GroupVersion.Group + "/v1beta1": "v1beta1",
	clusterv1.GroupVersion.Group + "/v1beta2": "v1beta2_v1_v2_v1alpha1_v1alpha2_v1alpha3_v1alpha4",
}

// Get answers with the metadata of a CustomResourceDefinition.
func (offlineClient) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	metadata, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("offline rendering cannot read %T %s", obj, key)
	}
	metadata.Name, metadata.Labels = key.Name, contracts
	return nil
}

// List finds no machines: none are in the midst of an upgrade.
func (offlineClient) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if _, ok := list.(*clusterv1.MachineList); !ok {
		return fmt.Errorf("offline rendering cannot list %T", list)
	}
	return nil
}

// offlineClusterCache is there because the generator wants one. It asks it only
// about machine pools that have nodes.
type offlineClusterCache struct{ clustercache.ClusterCache }
