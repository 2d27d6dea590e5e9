// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"testing"
	"time"

	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology/topologytest"
)

// reconcileTopology has upstream's controllers work on a class and a cluster until the
// end of the test.
func reconcileTopology(t *testing.T, controllers *topologytest.Controllers, class, cluster client.ObjectKey) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			// What fails now may succeed next time, or is what is being tested.
			_ = controllers.Settle(ctx, class, cluster)
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-stopped
	})
}

// Upstream's topology controller cannot leave a version that no machine reached. Once the
// apply has set the machine sets back, it takes them to the corrected one.
func TestIntegrationVersionGivenUp(t *testing.T) {
	acctest.NeedTerraform(t)
	api := acctest.NeedAPIServer(t)
	env := environment{Environment: api, provider: acctest.Provider{
		Resolver: api.Resolver(), ResourceList: []func() tfresource.Resource{clusterclass.NewResource, cluster.NewResource},
	}}
	controllers := topologytest.New(t, api)
	for name, tc := range map[string]struct {
		// ran is the version that machines run besides.
		ran, to string
	}{
		"never-up":       {"", "v1.34.3"},
		"never-up-lower": {"", "v1.33.1"},
		"never-up-next":  {"", "v1.35.1"},
		"upgrade":        {"v1.34.3", "v1.34.3"},
		"upgrade-next":   {"v1.34.3", "v1.35.1"},
	} {
		t.Run(name, func(t *testing.T) {
			const bad = "v1.34.99"
			key := client.ObjectKey{Namespace: "default", Name: name}
			c := newConfiguration(name)
			in(c.cluster, "topology")["version"] = bad
			c.cluster["wait_for"] = "none"
			reconcileTopology(t, controllers, client.ObjectKey{Namespace: "default", Name: name + "-class"}, key)
			env.makeClass(t, c)
			protocol := env.provider.Protocol(t)
			apply := func(current acctest.Object) acctest.Object {
				t.Helper()
				planned := protocol.Plan(t, cluster.ResourceType, acctest.Value(t, protocol.Type(cluster.ResourceType), c.cluster), current)
				if acctest.Errors(planned.Diagnostics) > 0 {
					t.Fatalf("plan: %q: %s", acctest.Summaries(planned.Diagnostics), planned.Diagnostics[0].Detail)
				}
				applied, diagnostics := protocol.Apply(t, cluster.ResourceType, planned)
				for _, d := range diagnostics {
					t.Fatalf("apply: %s: %s", d.Summary, d.Detail)
				}
				return applied
			}
			created := apply(acctest.Object{})
			t.Cleanup(func() {
				_ = env.Cluster.Delete(context.WithoutCancel(t.Context()), &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}})
			})
			kcp, md := &controlplanev1.KubeadmControlPlane{}, &clusterv1.MachineDeployment{}
			read := func() bool {
				controlPlanes, deployments := &controlplanev1.KubeadmControlPlaneList{}, &clusterv1.MachineDeploymentList{}
				for _, list := range []client.ObjectList{controlPlanes, deployments} {
					if err := env.Cluster.List(t.Context(), list, client.InNamespace("default"), client.MatchingLabels{clusterv1.ClusterNameLabel: name}); err != nil {
						t.Fatal(err)
					}
				}
				if len(controlPlanes.Items) != 1 || len(deployments.Items) != 1 {
					return false
				}
				kcp, md = &controlPlanes.Items[0], &deployments.Items[0]
				return true
			}
			eventually(t, "there are machine sets", read)
			stillborn := env.controlPlaneMachine(t, kcp, name+"-bad", bad, false)
			if tc.ran != "" {
				env.controlPlaneMachine(t, kcp, name+"-good", tc.ran, true)
				found := env.get(t, name)
				before := found.DeepCopy()
				found.Status.Initialization.ControlPlaneInitialized = ptr.To(true)
				if err := env.Cluster.Status().Patch(t.Context(), found, client.MergeFrom(before)); err != nil { // Controllers write, too.
					t.Fatal(err)
				}
			}
			in(c.cluster, "topology")["version"] = tc.to
			apply(created)
			eventually(t, "the machine sets are at "+tc.to, func() bool {
				return read() && kcp.Spec.Version == tc.to && md.Spec.Template.Spec.Version == tc.to
			})
			// Who is up removes others by itself.
			err := env.Cluster.Get(t.Context(), client.ObjectKeyFromObject(stillborn), stillborn)
			if gone := apierrors.IsNotFound(err); gone != (tc.ran == "") {
				t.Errorf("the machine that never came up is gone: %t, %v", gone, err)
			}
			if _, annotated := env.get(t, name).Annotations[clusterv1.ClusterTopologyUnsafeUpdateVersionAnnotation]; annotated {
				t.Error("the check of versions stays switched off")
			}
		})
	}
}

func (e environment) controlPlaneMachine(t *testing.T, kcp *controlplanev1.KubeadmControlPlane, name, version string, runs bool) *clusterv1.Machine {
	t.Helper()
	cluster := kcp.Labels[clusterv1.ClusterNameLabel]
	machine := &clusterv1.Machine{ObjectMeta: metav1.ObjectMeta{
		Namespace: kcp.Namespace, Name: name,
		Labels:          map[string]string{clusterv1.ClusterNameLabel: cluster, clusterv1.MachineControlPlaneLabel: ""},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(kcp, controlplanev1.GroupVersion.WithKind("KubeadmControlPlane"))},
	}}
	machine.Spec = clusterv1.MachineSpec{
		ClusterName: cluster, Version: version, Bootstrap: clusterv1.Bootstrap{DataSecretName: ptr.To("bootstrap")},
		InfrastructureRef: clusterv1.ContractVersionedObjectReference{APIGroup: dockerv1.GroupVersion.Group, Kind: "DockerMachine", Name: name},
	}
	if err := e.Cluster.Create(t.Context(), machine); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Cluster.Delete(context.WithoutCancel(t.Context()), machine) })
	if runs {
		machine.Status.NodeRef.Name, machine.Status.NodeInfo = name, &corev1.NodeSystemInfo{KubeletVersion: version}
		if err := e.Cluster.Status().Update(t.Context(), machine); err != nil {
			t.Fatal(err)
		}
	}
	return machine
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
	if err != nil {
		t.Fatalf("never: %s", what)
	}
}
