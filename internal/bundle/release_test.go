// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestIsLaterThan(t *testing.T) {
	own := Release{Provider: "0.2.0", ClusterAPI: "v1.14.2"}
	for name, test := range map[string]struct {
		installed Release
		want      bool
	}{
		"the same":                               {own, false},
		"an earlier version":                     {Release{"0.1.9", "v1.14.2"}, false},
		"a later version":                        {Release{"0.10.0", "v1.14.2"}, true},
		"a later patch":                          {Release{"0.2.1", "v1.14.2"}, true},
		"its own release candidate":              {Release{"0.2.0-rc.1", "v1.14.2"}, false},
		"the next release candidate":             {Release{"0.3.0-rc.1", "v1.14.2"}, true},
		"another build of the version":           {Release{"0.2.0+abcdef", "v1.14.2"}, false},
		"a build without a version":              {Release{"dev", "v1.14.2"}, false},
		"later Cluster API of such a build":      {Release{"dev", "v1.15.0"}, true},
		"another tool's":                         {Release{"", "v1.14.2"}, false},
		"another tool's, later":                  {Release{"", "v1.14.3"}, true},
		"another tool's, of no version":          {Release{"", "main"}, false},
		"later, but with an earlier Cluster API": {Release{"0.3.0", "v1.13.0"}, true},
		"an entry that was lost":                 {Release{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(test.installed.IsLaterThan(own)).To(Equal(test.want))
		})
	}
	g := NewWithT(t)
	g.Expect(own.IsLaterThan(Release{"dev", "v1.14.2"})).To(BeFalse(), "a build without a version is not earlier than any")
	g.Expect(own.IsLaterThan(Release{"0.2.0", unknownVersion})).To(BeFalse(), "nor is a binary that does not know its modules")
}

func TestUnstorable(t *testing.T) {
	const name = "clusters.cluster.x-k8s.io"
	for what, test := range map[string]struct {
		stored []string
		want   []StoredKind
		later  bool
	}{
		"not stored yet":          {nil, nil, false},
		"in versions it has":      {[]string{"v1beta1", "v1beta2"}, nil, false},
		"in a later version":      {[]string{"v1beta2", "v1"}, []StoredKind{{name, []string{"v1"}, []string{"v1beta1", "v1beta2"}}}, true},
		"in an earlier version":   {[]string{"v1alpha4", "v1beta2"}, []StoredKind{{name, []string{"v1alpha4"}, []string{"v1beta1", "v1beta2"}}}, false},
		"in an earlier and later": {[]string{"v1alpha4", "v1"}, []StoredKind{{name, []string{"v1alpha4", "v1"}, []string{"v1beta1", "v1beta2"}}}, true},
	} {
		t.Run(what, func(t *testing.T) {
			g := NewWithT(t)
			cluster := installed(t, nil, "cluster-api")
			crd := &apiextensionsv1.CustomResourceDefinition{}
			g.Expect(cluster.Get(t.Context(), client.ObjectKey{Name: name}, crd)).To(Succeed())
			crd.Status.StoredVersions = test.stored
			g.Expect(cluster.Status().Update(t.Context(), crd)).To(Succeed())

			unstorable, err := Unstorable(t.Context(), cluster, "cluster-api")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(unstorable).To(Equal(test.want))
			if test.want != nil {
				g.Expect(unstorable[0].IsLater()).To(Equal(test.later))
			}
		})
	}
}

// What is cut off must not look like the release before: an older binary would take it for its own.
func TestIntegrationInstallationThatIsCutOff(t *testing.T) {
	g := NewWithT(t)
	cluster := acctest.NeedAnotherAPIServer(t).Cluster
	const name = "bootstrap-kubeadm"
	creation, err := Begin(t.Context(), cluster, name, "0.1.0")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(Install(t.Context(), cluster, name, "0.1.0", Image{Reference: "localhost/x:y"}, Settings{})).To(Succeed())
	g.Expect(creation.Finish(t.Context())).To(Succeed())

	cut := errors.New("cut off")
	server, err := client.NewWithWatch(cluster.RESTConfig, client.Options{Scheme: management.Scheme})
	g.Expect(err).NotTo(HaveOccurred())
	interrupted := &management.Cluster{Client: interceptor.NewClient(server, interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, object runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			if content, err := json.Marshal(object); err == nil && strings.Contains(string(content), bootstrapv1.GroupVersion.Group) {
				return cut
			}
			return c.Apply(ctx, object, opts...)
		},
	})}
	g.Expect(Install(t.Context(), interrupted, name, "0.2.0", Image{Reference: "localhost/x:z"}, Settings{})).To(MatchError(cut))

	status, err := Installed(t.Context(), cluster, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(And(HaveField("Image", "localhost/x:y"), HaveField("Release", Own("0.2.0"))))
	g.Expect(status.UID).To(Equal(creation.Object().GetUID()))
}
