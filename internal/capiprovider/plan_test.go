// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"runtime"
	"strings"
	"testing"

	tftypes "github.com/hashicorp/terraform-plugin-framework/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Importing is how to take over what somebody else installed; creating is not.
func TestCheckForeign(t *testing.T) {
	entry := func(namespace string, uid types.UID, annotations map[string]string) *clusterctlv1.Provider {
		return &clusterctlv1.Provider{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "cluster-api", UID: uid, Annotations: annotations,
		}}
	}
	plan := model{
		ManagementCluster: tftypes.StringValue("kind://mgmt"),
		Name:              tftypes.StringValue("cluster-api"),
		Namespace:         tftypes.StringValue("capi-system"),
	}
	for name, test := range map[string]struct {
		objects []client.Object
		refused bool
	}{
		"not installed":             {nil, false},
		"installed":                 {[]client.Object{entry("capi-system", "1", nil)}, true},
		"about to be replaced":      {[]client.Object{entry("capi-system", "recorded", nil)}, false},
		"with a mark of a creation": {[]client.Object{entry("capi-system", "1", map[string]string{management.CreationAnnotation: "x/1"})}, false},
		"another one by another":    {[]client.Object{entry("x", "1", nil)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithObjects(test.objects...).Build()}
			diags := (&Resource{bundle: Bundled("0.1.0", nil, nil), session: session.New(nil)}).checkNew(t.Context(), cluster, plan, tfkit.Record{UID: "recorded"}, nil)
			if diags.HasError() != test.refused {
				t.Fatalf("diagnostics: %v", diags)
			}
			if test.refused && !strings.Contains(diags[0].Detail(), "terraform import capi_provider.NAME kind://mgmt/cluster-api") {
				t.Errorf("%q does not say how to import", diags[0].Detail())
			}
		})
	}
}

// The guide's common mistake "Not checking CAPI provider versions match".
func TestCheckVersions(t *testing.T) {
	entry := func(name, version, manager string) client.Object {
		return &clusterctlv1.Provider{Version: version, ObjectMeta: metav1.ObjectMeta{
			Namespace: name + "-system", Name: name,
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: manager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: clusterctlv1.GroupVersion.String(),
				FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:version":{}}`),
			}},
		}}
	}
	plan := model{ManagementCluster: tftypes.StringValue("kind://mgmt"), Name: tftypes.StringValue("infrastructure-docker")}
	plan.fromRelease(bundle.Release{Provider: "0.1.0", ClusterAPI: "v1.14.2"})
	for name, test := range map[string]struct {
		objects []client.Object
		want    string
	}{
		"nothing installed":        {nil, ""},
		"the same release":         {[]client.Object{entry("cluster-api", "v1.14.2", "clusterctl")}, ""},
		"an older core":            {[]client.Object{entry("cluster-api", "v1.9.3", "clusterctl")}, "beside cluster-api v1.9.3"},
		"ours, to be upgraded":     {[]client.Object{entry("cluster-api", "v1.9.3", management.FieldManager)}, ""},
		"ours, newer":              {[]client.Object{entry("cluster-api", "v1.15.0", management.FieldManager)}, "beside cluster-api v1.15.0"},
		"another project's":        {[]client.Object{entry("infrastructure-aws", "v2.8.1", "clusterctl")}, ""},
		"several, of which one is": {[]client.Object{entry("cluster-api", "v1.14.2", "clusterctl"), entry("bootstrap-kubeadm", "v1.13.0", "x")}, "beside bootstrap-kubeadm v1.13.0, which"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithObjects(test.objects...).WithReturnManagedFields().Build()}
			diags := checkVersions(t.Context(), cluster, plan)
			if diags.HasError() || (len(diags) == 0) != (test.want == "") {
				t.Fatalf("diagnostics: %v", diags)
			}
			if len(diags) > 0 && !strings.Contains(diags[0].Detail(), test.want) {
				t.Errorf("%q does not say %q", diags[0].Detail(), test.want)
			}
		})
	}
}

type nodes struct {
	Nodes
	socket bool
	err    error
}

func (n nodes) HasDockerSocket(context.Context, string) (bool, error) { return n.socket, n.err }

// The guide's common mistake "Not mounting Docker socket in KinD config".
func TestCheckDocker(t *testing.T) {
	for name, test := range map[string]struct {
		provider, managementCluster string
		nodes                       nodes
		refused                     bool
	}{
		"mounted":             {"infrastructure-docker", "kind://mgmt", nodes{socket: true}, false},
		"not mounted":         {"infrastructure-docker", "kind://mgmt", nodes{}, true},
		"not needed":          {"cluster-api", "kind://mgmt", nodes{}, false},
		"not a KinD cluster":  {"infrastructure-docker", "", nodes{}, false},
		"nobody to ask about": {"infrastructure-docker", "kind://mgmt", nodes{err: kind.ErrNotFound}, false},
	} {
		t.Run(name, func(t *testing.T) {
			plan := model{Name: tftypes.StringValue(test.provider), ManagementCluster: tftypes.StringValue(test.managementCluster)}
			diags := NewResource(Bundled("0.1.0", test.nodes, nil)).(*Resource).checkDocker(t.Context(), plan)
			if diags.HasError() != test.refused {
				t.Fatalf("diagnostics: %v", diags)
			}
			if test.refused && !strings.Contains(diags[0].Detail(), "mount_docker_socket") {
				t.Errorf("%q does not say what to do", diags[0].Detail())
			}
		})
	}
}

func TestBundledImage(t *testing.T) {
	bundled := Bundled("0.1.0", nil, nil)
	if image, err := bundled.Image("", "registry.example.com/capi:v1"); err != nil || image.Local() {
		t.Errorf("a reference: %+v, %v", image, err)
	}
	if image, err := bundled.Image("", ""); err != nil || image.Local() || !strings.HasSuffix(image.Reference, ":v0.1.0") {
		t.Errorf("a management cluster elsewhere: %+v, %v", image, err)
	}
	if _, err := Bundled("dev", nil, nil).Image("", ""); err == nil {
		t.Error("a build from source has an image in a registry")
	}
	own, err := bundled.Image("kind://mgmt", "")
	if runtime.GOOS != "linux" {
		if err == nil {
			t.Error("an executable that nodes cannot run became an image")
		}
		return
	}
	if err != nil || !own.Local() {
		t.Fatalf("a KinD cluster: %+v, %v", own, err)
	}
	// The state holds the reference of the executable; it is in no registry.
	if again, err := bundled.Image("kind://mgmt", own.Reference); err != nil || again != own {
		t.Errorf("the executable's own reference: %+v, %v", again, err)
	}
	if image, err := bundled.Image("kind://mgmt", "registry.example.com/capi:v1"); err != nil || image.Local() {
		t.Errorf("a reference for a KinD cluster: %+v, %v", image, err)
	}
}

func TestList(t *testing.T) {
	objects := strings.Split("abcdefghijkl", "")
	if got, want := list(objects), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nand 2 more"; got != want {
		t.Errorf("got %q", got)
	}
	if got := list(objects[:2]); got != "a\nb" {
		t.Errorf("got %q", got)
	}
	if objects[10] != "k" {
		t.Error("the objects were changed")
	}
}
