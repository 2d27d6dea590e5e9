// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
)

// foreignAddOns are somebody's objects that have the names or the label of those that
// hold a cluster's manifests.
func foreignAddOns(name string, names ...string) map[string]client.Object {
	meta := func(name, label string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"terraform-capi.io/cni": label}}
	}
	set := &addonsv1.ClusterResourceSet{ObjectMeta: meta(name+"-cni", name)}
	set.Spec.ClusterSelector.MatchLabels = map[string]string{"some": "clusters"}
	set.Spec.Resources = []addonsv1.ResourceRef{{Kind: "Secret", Name: name + "-cni-0"}}
	all := map[string]client.Object{
		"set":                set,
		"secret of the name": &corev1.Secret{ObjectMeta: meta(name+"-cni-0", name), Data: map[string][]byte{"manifest.yaml": []byte("theirs")}},
		"labelled secret":    &corev1.Secret{ObjectMeta: meta(name+"-theirs", name), Data: map[string][]byte{"manifest.yaml": []byte("theirs")}},
	}
	for what := range all {
		if !slices.Contains(names, what) {
			delete(all, what)
		}
	}
	return all
}

// What somebody else has made for add-ons is neither changed nor deleted, nor taken
// for the cluster's, whatever its name and labels.
func TestIntegrationForeignAddOns(t *testing.T) {
	env := setUp(t)
	for name, test := range map[string]struct {
		foreign []string
		// setUp says that the plugin can be set up nevertheless.
		setUp bool
	}{
		"foreign-set":    {[]string{"set", "secret of the name"}, false},
		"foreign-secret": {[]string{"secret of the name"}, false},
		"foreign-label":  {[]string{"labelled secret"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			foreign := foreignAddOns(name, test.foreign...)
			for _, obj := range foreign {
				if err := env.Cluster.Create(t.Context(), obj, client.FieldOwner("somebody")); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = env.Cluster.Delete(context.WithoutCancel(t.Context()), obj) })
			}
			c := newConfiguration(name)
			c.cluster["cluster_network"] = object{"pods": []any{"10.10.0.0/16"}}
			env.makeClass(t, c)
			var current acctest.Object
			apply := func(cni any, want ...string) {
				t.Helper()
				c.cluster["cni"] = cni
				protocol := env.provider.Protocol(t)
				planned := protocol.Plan(t, cluster.ResourceType, acctest.Value(t, protocol.Type(cluster.ResourceType), c.cluster), current)
				if acctest.Errors(planned.Diagnostics) > 0 {
					t.Fatalf("plan: %q", acctest.Summaries(planned.Diagnostics))
				}
				applied, diagnostics := protocol.Apply(t, cluster.ResourceType, planned)
				if got := acctest.Summaries(diagnostics); !slices.Equal(got, want) {
					t.Errorf("apply with %v: diagnostics are %q, want %q", cni, got, want)
				}
				current, _ = protocol.Read(t.Context(), t, cluster.ResourceType, applied)
				env.needUnchanged(t, foreign)
			}
			manifests := object{"manifests": []any{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}"}}
			if test.setUp {
				apply(manifests)
			} else {
				apply(manifests, "WARNING: Network plugin not set up")
				apply(manifests, "WARNING: Network plugin not set up")
			}
			if current.Attribute(t, "cni").IsNull() == test.setUp {
				t.Errorf("the state has %v", current.Attribute(t, "cni"))
			}
			apply(object{"name": "kindnet"})
			protocol := env.provider.Protocol(t)
			gone, diagnostics := protocol.Apply(t, cluster.ResourceType, protocol.PlanDestroy(t, cluster.ResourceType, current))
			if gone.Exists() || len(diagnostics) > 0 {
				t.Errorf("destroy: %q", acctest.Summaries(diagnostics))
			}
			env.needUnchanged(t, foreign)
			own := &addonsv1.ClusterResourceSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name + "-cni"}}
			if err := env.Cluster.Get(t.Context(), client.ObjectKeyFromObject(own), own); test.setUp && !apierrors.IsNotFound(err) {
				t.Errorf("the cluster's own ClusterResourceSet is not removed: %v", err)
			}
		})
	}
}

func (e environment) needUnchanged(t *testing.T, objects map[string]client.Object) {
	t.Helper()
	for what, before := range objects {
		found, _ := before.DeepCopyObject().(client.Object)
		err := e.Cluster.Get(t.Context(), client.ObjectKeyFromObject(before), found)
		if err != nil || found.GetUID() != before.GetUID() || found.GetResourceVersion() != before.GetResourceVersion() {
			t.Errorf("somebody's %s was changed: %v, %v", what, found, err)
		}
	}
}
