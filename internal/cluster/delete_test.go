// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (e environment) exists(t *testing.T, name string) bool {
	t.Helper()
	err := e.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: name}, &clusterv1.Cluster{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

// mustExist is a check at the end of a step.
func (e environment) mustExist(t *testing.T, name string, want bool) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		if got := e.exists(t, name); got != want {
			return fmt.Errorf("Cluster %s exists: %t, want %t", name, got, want)
		}
		return nil
	}
}

// A protected cluster survives a destroy and a replacement, whoever asks for it.
func TestIntegrationDeletionProtection(t *testing.T) {
	env := setUp(t)
	open := clusterHCL{Name: "guarded", Version: "v1.34.3"}
	guarded, renamed := open, open
	guarded.Extra = "deletion_protection = true"
	renamed.Name = "renamed"
	triggered := func(by string) string {
		c := guarded
		c.Extra += "\n  lifecycle { replace_triggered_by = [terraform_data.trigger] }"
		return c.String() + fmt.Sprintf("resource \"terraform_data\" \"trigger\" { input = %q }\n", by)
	}
	refused := says(`Cluster is protected.*Cluster default/guarded has deletion_protection`)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: guarded.String()},
			{Config: guarded.String(), Destroy: true, ExpectError: refused},
			{Config: guarded.class(), PlanOnly: true, ExpectError: refused},
			// What counts is what was applied, not what goes with it.
			{Config: renamed.String(), PlanOnly: true, ExpectError: refused},
			// A replacement that Terraform decides on is no business of the plan's.
			{Config: triggered("a")},
			{Config: triggered("b"), ExpectError: refused},
			{Config: open.String(), Check: env.mustExist(t, "guarded", true)},
		},
		CheckDestroy: env.mustExist(t, "guarded", false),
	})
}

// A cluster that is only forgotten goes on running, and can be imported again.
func TestIntegrationDeletionPolicyOrphan(t *testing.T) {
	env := setUp(t)
	deleted := clusterHCL{Name: "orphan", Version: "v1.34.3", Variables: "size = 3"}
	config := deleted
	config.Extra = `deletion_policy = "orphan"`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config.String()},
			{Config: config.class(), Check: env.mustExist(t, "orphan", true)},
			{
				// Terraform made it, and it is as declared. It is adopted only if that is asked for.
				Config:      deleted.String(),
				ExpectError: says(`Already exists.*terraform import capi_cluster\.NAME kind://envtest/default/orphan`),
			},
			{
				Config:       deleted.String(),
				ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/default/orphan", ImportStatePersist: true,
			},
			{
				Config:           deleted.String(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
		},
		CheckDestroy: env.mustExist(t, "orphan", false),
	})
}

// A deletion that hangs names what it hangs on, goes on when it is destroyed again,
// and is forced where nothing is left to wait for.
func TestIntegrationDeletionHangs(t *testing.T) {
	env := setUp(t)
	key := client.ObjectKey{Namespace: "default", Name: "hangs"}
	hanging := clusterHCL{Name: key.Name, Version: "v1.34.3", Workers: 1, Extra: `timeouts = { delete = "3s" }`}
	forced := clusterHCL{Name: key.Name, Version: "v1.34.3", Workers: 1, Extra: "force_delete_after = \"1s\"\n  timeouts = { delete = \"60s\" }"}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: hanging.String()},
			{
				// Controllers that stop right after they have begun to delete.
				PreConfig: func() {
					env.controllers.Hold(key)
					env.deleteParts(t, key.Name)
				},
				Config: hanging.String(), Destroy: true,
				ExpectError: says(`Timed out waiting.*Cluster hangs: held by finalizer cluster\.cluster\.x-k8s\.io.*` +
					`MachineDeployment hangs-md-0: held by finalizer.*Machine hangs-md-0-v1-34-3-0: held by finalizer machine\.cluster\.x-k8s\.io.*force_delete_after`),
			},
			// The resource is still there, and its deletion can still be configured.
			{Config: forced.String(), PlanOnly: true, ExpectNonEmptyPlan: true},
			{Config: forced.String(), Check: env.mustExist(t, key.Name, true)},
		},
		CheckDestroy: resource.ComposeTestCheckFunc(env.mustExist(t, key.Name, false), func(*terraform.State) error {
			machines := &clusterv1.MachineList{}
			err := env.Cluster.List(t.Context(), machines, client.MatchingLabels{clusterv1.ClusterNameLabel: key.Name})
			if err == nil && len(machines.Items) > 0 {
				return fmt.Errorf("%d machines left behind", len(machines.Items))
			}
			return err
		}),
	})
}

// deleteParts deletes what belongs to a cluster, but nobody lets go of it.
func (e environment) deleteParts(t *testing.T, name string) {
	t.Helper()
	finalizers := map[client.ObjectList]string{
		&clusterv1.MachineDeploymentList{}:        clusterv1.MachineDeploymentFinalizer,
		&clusterv1.MachineList{}:                  clusterv1.MachineFinalizer,
		&controlplanev1.KubeadmControlPlaneList{}: controlplanev1.KubeadmControlPlaneFinalizer,
	}
	for list, finalizer := range finalizers {
		// A round of the controllers may still be under way.
		err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
			err := e.hold(ctx, list, name, finalizer)
			return err == nil, client.IgnoreNotFound(ignoreConflict(err))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (e environment) hold(ctx context.Context, list client.ObjectList, name, finalizer string) error {
	if err := e.Cluster.List(ctx, list, client.MatchingLabels{clusterv1.ClusterNameLabel: name}); err != nil {
		return err
	}
	return meta.EachListItem(list, func(item runtime.Object) error {
		obj, _ := item.(client.Object)
		if !obj.GetDeletionTimestamp().IsZero() {
			return nil
		}
		obj.SetFinalizers([]string{finalizer})
		if err := e.Cluster.Update(ctx, obj); err != nil {
			return err
		}
		return e.Cluster.Delete(ctx, obj)
	})
}

func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}
