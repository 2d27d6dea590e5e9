// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/cluster-api/util/patch"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

var (
	ctx = context.Background()
	key = client.ObjectKey{Namespace: "default", Name: "a"}
)

func newClient(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(AddToScheme(scheme)).To(Succeed())
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&infrav1.DockerMachine{}, &devv1.DevMachine{}).Build()
}

// emptyMachines has a machine of each variant.
func emptyMachines() []client.Object {
	meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
	return []client.Object{
		&infrav1.DockerMachine{ObjectMeta: meta},
		&devv1.DevMachine{ObjectMeta: meta, Spec: devv1.DevMachineSpec{
			Backend: devv1.DevMachineBackendSpec{Docker: &devv1.DockerMachineBackendSpec{}},
		}},
	}
}

func TestChangesOfTheHubReachTheObject(t *testing.T) {
	for _, variant := range Machines {
		t.Run(variant.Kind, func(t *testing.T) {
			g := NewWithT(t)
			c := newClient(t, emptyMachines()...)
			object, err := variant.Get(ctx, c, key)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(object.Hub().Kind).To(Equal(variant.Kind))

			g.Expect(object.EnsureFinalizer(ctx, c, infrav1.MachineFinalizer)).To(Succeed())
			g.Expect(object.Hub().Finalizers).To(ConsistOf(infrav1.MachineFinalizer))
			stored := object.Hub().ResourceVersion
			g.Expect(object.EnsureFinalizer(ctx, c, infrav1.MachineFinalizer)).To(Succeed())
			g.Expect(object.Hub().ResourceVersion).To(Equal(stored), "it is there already")

			helper, err := patch.NewHelper(object.TranslateBack(), c)
			g.Expect(err).NotTo(HaveOccurred())
			hub := object.Hub()
			hub.Spec.ProviderID = "docker:////a"
			hub.Annotations = map[string]string{"b": "c"}
			hub.Status.Initialization.Provisioned = ptr.To(true)
			g.Expect(helper.Patch(ctx, object.TranslateBack())).To(Succeed())

			again, err := variant.Get(ctx, c, key)
			g.Expect(err).NotTo(HaveOccurred())
			again.Hub().ResourceVersion = hub.ResourceVersion
			g.Expect(again.Hub()).To(Equal(hub))
		})
	}
}

// Upstream's controllers and suites know the finalizers of the Dev* kinds by these names.
func TestFinalizersAreUpstreams(t *testing.T) {
	g := NewWithT(t)
	g.Expect(infrav1.MachineFinalizer).To(Equal(devv1.MachineFinalizer))
	g.Expect(infrav1.ClusterFinalizer).To(Equal(devv1.ClusterFinalizer))
}

// A finalizer that somebody else adds at the same time must not be removed.
func TestEnsureFinalizerConflicts(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t, emptyMachines()...)
	object, err := DevMachine.Get(ctx, c, key)
	g.Expect(err).NotTo(HaveOccurred())
	other := &devv1.DevMachine{}
	g.Expect(c.Get(ctx, key, other)).To(Succeed())
	other.Finalizers = []string{"example.com/other"}
	g.Expect(c.Update(ctx, other)).To(Succeed())

	err = object.EnsureFinalizer(ctx, c, infrav1.MachineFinalizer)
	g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
	g.Expect(err).To(MatchError(HavePrefix("adding the finalizer to DevMachine default/a: ")))
}

func TestReferences(t *testing.T) {
	inMemory := &devv1.DevMachine{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "simulated"}}
	inMemory.Spec.Backend.InMemory = &devv1.InMemoryMachineBackendSpec{}
	c := newClient(t, append(emptyMachines(), inMemory)...)
	for name, test := range map[string]struct {
		ref   clusterv1.ContractVersionedObjectReference
		found bool
	}{
		"ours":          {clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DockerMachine", Name: "a"}, true},
		"upstream's":    {clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DevMachine", Name: "a"}, true},
		"missing":       {clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DevMachine", Name: "b"}, false},
		"in memory":     {clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DevMachine", Name: "simulated"}, false},
		"other kind":    {clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DevCluster", Name: "a"}, false},
		"another group": {clusterv1.ContractVersionedObjectReference{APIGroup: "example.com", Kind: "DockerMachine", Name: "a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			object, err := Machines.Get(ctx, c, "default", test.ref)
			if !test.found {
				g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(object.Hub().Kind).To(Equal(test.ref.Kind))
		})
	}
}
