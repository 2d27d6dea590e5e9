// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const foreignFinalizer = "example.com/billing"

// dying is a cluster that is being deleted, with an object of each kind, each held
// by its finalizer.
func dying() map[string]client.Object {
	object := func(obj client.Object, name, finalizer string, labels ...string) client.Object {
		obj.SetNamespace("default")
		obj.SetName(name)
		obj.SetLabels(map[string]string{clusterv1.ClusterNameLabel: "web"})
		for i := 0; i < len(labels); i += 2 {
			obj.GetLabels()[labels[i]] = labels[i+1]
		}
		obj.SetFinalizers([]string{finalizer})
		now := metav1.Now()
		obj.SetDeletionTimestamp(&now)
		return obj
	}
	ref := func(group, kind, name string) clusterv1.ContractVersionedObjectReference {
		return clusterv1.ContractVersionedObjectReference{APIGroup: group, Kind: kind, Name: name}
	}
	machine := clusterv1.MachineSpec{
		ClusterName: "web", InfrastructureRef: ref(dockerv1.GroupVersion.Group, "DockerMachine", "web-a"),
		Bootstrap: clusterv1.Bootstrap{ConfigRef: ref(bootstrapv1.GroupVersion.Group, "KubeadmConfig", "web-a")},
	}
	pool := &clusterv1.MachinePool{}
	pool.Spec.Template.Spec.InfrastructureRef = ref(dockerv1.GroupVersion.Group, "DockerMachine", "web-p")
	return map[string]client.Object{
		"Cluster": object(&clusterv1.Cluster{Spec: clusterv1.ClusterSpec{
			InfrastructureRef: ref(dockerv1.GroupVersion.Group, "DockerCluster", "web"),
			ControlPlaneRef:   ref(controlplanev1.GroupVersion.Group, "KubeadmControlPlane", "web"),
		}}, "web", clusterv1.ClusterFinalizer),
		"DockerCluster":       object(&dockerv1.DockerCluster{}, "web", "dockercluster"),
		"KubeadmControlPlane": object(&controlplanev1.KubeadmControlPlane{}, "web", controlplanev1.KubeadmControlPlaneFinalizer),
		"MachineDeployment":   object(&clusterv1.MachineDeployment{}, "web-md", clusterv1.MachineDeploymentFinalizer),
		"MachineSet":          object(&clusterv1.MachineSet{}, "web-ms", clusterv1.MachineSetFinalizer, clusterv1.MachineDeploymentNameLabel, "web-md"),
		"MachinePool":         object(pool, "web-p", clusterv1.MachinePoolFinalizer),
		"Machine": object(&clusterv1.Machine{Spec: machine}, "web-a", clusterv1.MachineFinalizer,
			clusterv1.MachineSetNameLabel, "web-ms", clusterv1.MachineDeploymentNameLabel, "web-md"),
		"DockerMachine": object(&dockerv1.DockerMachine{}, "web-a", "dockermachine"),
		"KubeadmConfig": object(&bootstrapv1.KubeadmConfig{}, "web-a", "kubeadmconfig"),
	}
}

func without(kinds ...string) func(map[string]client.Object) {
	return func(objects map[string]client.Object) {
		for _, kind := range kinds {
			delete(objects, kind)
		}
	}
}

var webKey = client.ObjectKey{Namespace: "default", Name: "web"}

// Only what waits for nothing that exists is let go.
func TestForce(t *testing.T) {
	const (
		machineGone = "Machine web-a: machine.cluster.x-k8s.io"
		poolGone    = "MachinePool web-p: machinepool.cluster.x-k8s.io"
	)
	for name, test := range map[string]struct {
		change func(map[string]client.Object)
		want   []string
	}{
		"infrastructure of the pool is gone": {func(map[string]client.Object) {}, []string{poolGone}},
		"a kind that is not known": {func(objects map[string]client.Object) {
			pool, _ := objects["MachinePool"].(*clusterv1.MachinePool)
			pool.Spec.Template.Spec.InfrastructureRef.Kind = "UninstalledMachinePool"
		}, nil},
		"infrastructure of a kind that is not known": {func(objects map[string]client.Object) {
			without("MachinePool", "DockerMachine", "KubeadmConfig", "Machine", "MachineSet", "KubeadmControlPlane", "MachineDeployment", "DockerCluster")(objects)
			cluster, _ := objects["Cluster"].(*clusterv1.Cluster)
			cluster.Spec.InfrastructureRef.Kind = "UninstalledCluster"
		}, nil},
		"infrastructure of the machine is left": {without("MachinePool", "KubeadmConfig"), nil},
		"bootstrap configuration is left":       {without("MachinePool", "DockerMachine"), nil},
		"nothing of the machine is left":        {without("MachinePool", "DockerMachine", "KubeadmConfig"), []string{machineGone}},
		"a machine that nobody deletes": {func(objects map[string]client.Object) {
			without("MachinePool", "DockerMachine", "KubeadmConfig")(objects)
			objects["Machine"].SetDeletionTimestamp(nil)
		}, nil},
		"somebody else's finalizer": {func(objects map[string]client.Object) {
			without("MachinePool", "DockerMachine", "KubeadmConfig")(objects)
			objects["Machine"].SetFinalizers([]string{foreignFinalizer})
		}, nil},
		"no machines": {without("MachinePool", "DockerMachine", "KubeadmConfig", "Machine"),
			[]string{"MachineSet web-ms: cluster.x-k8s.io/machineset", "KubeadmControlPlane web: kubeadm.controlplane.cluster.x-k8s.io"}},
		"no machine sets": {without("MachinePool", "DockerMachine", "KubeadmConfig", "Machine", "MachineSet", "KubeadmControlPlane"),
			[]string{"MachineDeployment web-md: cluster.x-k8s.io/machinedeployment"}},
		"a load balancer": {without("MachinePool", "DockerMachine", "KubeadmConfig", "Machine", "MachineSet", "KubeadmControlPlane", "MachineDeployment"), nil},
		"nothing but the cluster": {func(objects map[string]client.Object) {
			for kind := range objects {
				if kind != "Cluster" {
					delete(objects, kind)
				}
			}
		}, []string{"Cluster web: cluster.cluster.x-k8s.io"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := dying()
			test.change(objects)
			mgmt := livetest.Management(objects)
			f, err := ObserveDeletion(t.Context(), mgmt, webKey)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Force(t.Context(), mgmt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("let go (-want +got):\n%s", diff)
			}
		})
	}
}

// Once infrastructure and bootstrap configurations are gone, everything goes, from
// the bottom to the top.
func TestForceGoesBottomUp(t *testing.T) {
	objects := dying()
	without("DockerMachine", "KubeadmConfig", "DockerCluster")(objects)
	mgmt := livetest.Management(objects)
	var removed []string
	for round := range 10 {
		f, err := ObserveDeletion(t.Context(), mgmt, webKey)
		if management.IsAbsent(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		let, err := f.Force(t.Context(), mgmt)
		if err != nil || len(let) == 0 {
			t.Fatalf("round %d let nothing go: %v\n%s", round, err, f.Remaining())
		}
		removed = append(removed, let...)
	}
	kinds := make([]string, len(removed))
	for i := range removed {
		kinds[i], _, _ = strings.Cut(removed[i], " ")
	}
	if want := []string{"Machine", "MachinePool", "MachineSet", "KubeadmControlPlane", "MachineDeployment", "Cluster"}; !slices.Equal(kinds, want) {
		t.Errorf("let go in the order %v, want %v", kinds, want)
	}
}

// What holds up a deletion is all named, infrastructure of machines included.
func TestRemainingNamesEverything(t *testing.T) {
	f, err := ObserveDeletion(t.Context(), livetest.Management(dying()), webKey)
	if err != nil {
		t.Fatal(err)
	}
	acctest.Golden(t, "remaining-all", f.Remaining()+"\n")
}
