// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// A kind that is there in other versions is refused, unless a provider that may be
// installed in the same apply has the version.
func TestUnserved(t *testing.T) {
	infrastructure := schema.GroupVersion{Group: "infrastructure.example.com", Version: "v2"}
	controlPlane := schema.GroupVersion{Group: "controlplane.cluster.x-k8s.io", Version: "v1beta1"}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{infrastructure, controlPlane})
	mapper.Add(infrastructure.WithKind("NetTemplate"), meta.RESTScopeNamespace)
	mapper.Add(controlPlane.WithKind("KubeadmControlPlaneTemplate"), meta.RESTScopeNamespace)
	mgmt := &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithRESTMapper(mapper).Build()}
	text := strings.NewReplacer("controlplane.example.com/v1", "controlplane.cluster.x-k8s.io/v1beta2", "PlaneTemplate", "KubeadmControlPlaneTemplate").Replace(smallClass("a", ""))
	for name, tc := range map[string]struct{ text, want string }{
		"another version": {text, "serves no NetTemplate of infrastructure.example.com/v1, which is the template for the infrastructure in the manifest, but infrastructure.example.com/v2."},
		"that version":    {strings.ReplaceAll(text, "infrastructure.example.com/v1", "infrastructure.example.com/v2"), ""},
		"no version":      {strings.ReplaceAll(text, "NetTemplate", "OtherTemplate"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			rendered, err := fromText(t, tc.text).ToAPI()
			if err != nil {
				t.Fatal(err)
			}
			diags := rendered.unserved(mgmt)
			if tc.want == "" && len(diags) == 0 {
				return
			}
			if len(diags) != 1 || tc.want == "" || !strings.Contains(diags[0].Detail(), tc.want) {
				t.Errorf("got %v, want %s", diags, tc.want)
			}
		})
	}
}
