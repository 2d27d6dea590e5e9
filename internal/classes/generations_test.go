// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

var (
	classKey = client.ObjectKey{Namespace: "default", Name: "c"}
	id       = types.StringValue("kind://a")
)

// clusterOf are the objects of a cluster of the class: a control plane and a machine deployment.
func clusterOf(namespace, name, class string) map[string]client.Object {
	meta := func(name string, generation int64, labels map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: generation, Labels: labels}
	}
	cluster := &clusterv1.Cluster{ObjectMeta: meta(name, 7, nil)}
	cluster.Spec.Topology.ClassRef = clusterv1.ClusterClassRef{Name: class, Namespace: classKey.Namespace}
	cluster.Spec.ControlPlaneRef = clusterv1.ContractVersionedObjectReference{
		APIGroup: controlplanev1.GroupVersion.Group, Kind: "KubeadmControlPlane", Name: name + "-cp",
	}
	return map[string]client.Object{
		namespace + name:        cluster,
		namespace + name + "cp": &controlplanev1.KubeadmControlPlane{ObjectMeta: meta(name+"-cp", 3, nil)},
		namespace + name + "md": &clusterv1.MachineDeployment{ObjectMeta: meta(name+"-md", 5, map[string]string{
			clusterv1.ClusterNameLabel: name, clusterv1.ClusterTopologyMachineDeploymentNameLabel: "md-0",
		})},
		namespace + name + "other": &clusterv1.MachineDeployment{ObjectMeta: meta(name+"-other", 9, map[string]string{clusterv1.ClusterNameLabel: name})},
	}
}

// Generations are those of the sets that the topology made, of the clusters of the class, before it changes; and they cost as
// many requests for ten clusters of a namespace as for one.
func TestGenerationsBefore(t *testing.T) {
	g := NewWithT(t)
	requests := func(clusters ...string) int {
		objects := map[string]client.Object{}
		for _, name := range clusters {
			for key, object := range clusterOf("default", name, classKey.Name) {
				objects[key] = object
			}
		}
		for key, object := range clusterOf("elsewhere", "of-another", "another") {
			objects[key] = object
		}
		made := 0
		watching, _ := livetest.Management(objects).Client.(client.WithWatch)
		mgmt := &management.Cluster{Client: interceptor.NewClient(watching, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				made++
				return c.Get(ctx, key, obj, opts...)
			},
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				made++
				return c.List(ctx, list, opts...)
			},
		})}
		s := session.New(nil)
		Remember(s, id, classKey, Planned{Changes: true})
		g.Expect(NoteGenerations(t.Context(), s, mgmt, id, classKey)).To(Succeed())
		for _, name := range clusters {
			g.Expect(GenerationsBefore(s, id, classKey, client.ObjectKey{Namespace: "default", Name: name})).To(Equal(live.Generations{
				topology.Set{Kind: topology.ControlPlane}.Label():                    3,
				topology.Set{Kind: topology.MachineDeployment, Name: "md-0"}.Label(): 5,
			}), name)
		}
		g.Expect(GenerationsBefore(s, id, classKey, client.ObjectKey{Namespace: "elsewhere", Name: "of-another"})).To(BeNil())
		Remember(s, id, classKey, Planned{})
		g.Expect(GenerationsBefore(s, id, classKey, client.ObjectKey{Namespace: "default", Name: clusters[0]})).To(BeNil(), "the class does not change")
		return made
	}
	g.Expect(requests("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")).To(Equal(requests("a")))
}
