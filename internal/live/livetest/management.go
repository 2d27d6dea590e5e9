// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package livetest

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Management is a management cluster that has these objects, whatever their keys. It knows the kinds of Cluster API and of the Docker provider.
func Management(objects map[string]client.Object) *management.Cluster {
	known := []schema.GroupVersion{clusterv1.GroupVersion, bootstrapv1.GroupVersion, controlplanev1.GroupVersion, dockerv1.GroupVersion}
	mapper := meta.NewDefaultRESTMapper(known)
	for _, version := range known {
		for kind := range management.Scheme.KnownTypes(version) {
			if !strings.HasSuffix(kind, "List") {
				mapper.Add(version.WithKind(kind), meta.RESTScopeNamespace)
			}
		}
	}
	return &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithRESTMapper(mapper).WithObjects(slices.Collect(maps.Values(objects))...).Build()}
}
