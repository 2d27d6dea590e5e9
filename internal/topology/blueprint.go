// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// Blueprint is all that clusters of a class are made from: the ClusterClass, and
// the templates that it refers to.
type Blueprint struct {
	Class *clusterv1.ClusterClass
	// Templates are in no order; the references in Class name them.
	Templates []*unstructured.Unstructured
}
