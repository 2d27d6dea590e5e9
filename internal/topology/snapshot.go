// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// snapshot is the world as the admission code sees it: the classes and clusters
// that matter to one question, and nothing else. It is a client.Reader because
// that is what the admission code asks.
type snapshot struct {
	classes  []*clusterv1.ClusterClass
	clusters []clusterv1.Cluster
}

// Get finds a ClusterClass; the admission code gets no other kind from here.
func (s snapshot) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	class, ok := obj.(*clusterv1.ClusterClass)
	if !ok {
		return fmt.Errorf("offline validation cannot read %T %s", obj, key)
	}
	for _, c := range s.classes {
		if client.ObjectKeyFromObject(c) == key {
			c.DeepCopyInto(class)
			return nil
		}
	}
	return apierrors.NewNotFound(clusterv1.GroupVersion.WithResource("clusterclasses").GroupResource(), key.Name)
}

// List returns the clusters of the class in question. The field selector that
// restricts the admission code's list to them needs no evaluation here: whoever
// made the snapshot put no other clusters in.
func (s snapshot) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	clusters, ok := list.(*clusterv1.ClusterList)
	if !ok {
		return fmt.Errorf("offline validation cannot list %T", list)
	}
	clusters.Items = s.clusters
	return nil
}
