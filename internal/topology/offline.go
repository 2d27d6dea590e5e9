// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// offlineClient answers what upstream's generator asks of an API server: which
// contract the versions of the control plane's kind follow, and which machines
// there are. Everything else it takes from the scope that it is given.
type offlineClient struct {
	client.Client
	// versions are those that every kind has.
	versions []string
}

const contractV1Beta1 = "v1beta1"

// contractOf is the contract that a version of a kind follows. All bundled kinds
// follow the one that their version is named after; of others it can only be
// assumed, and a provider that numbers its versions otherwise follows the current
// contract.
func contractOf(version string) string {
	if version == contractV1Beta1 {
		return contractV1Beta1
	}
	return clusterv1.GroupVersion.Version
}

// Get answers with the metadata of a CustomResourceDefinition, whose labels list the
// versions that follow a contract.
func (c offlineClient) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	metadata, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("offline rendering cannot read %T %s", obj, key)
	}
	byContract := map[string][]string{}
	for _, version := range c.versions {
		label := clusterv1.GroupVersion.Group + "/" + contractOf(version)
		byContract[label] = append(byContract[label], version)
	}
	metadata.Name, metadata.Labels = key.Name, map[string]string{}
	for label, versions := range byContract {
		metadata.Labels[label] = strings.Join(versions, "_")
	}
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
