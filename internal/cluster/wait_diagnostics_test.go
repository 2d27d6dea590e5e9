// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
)

// What a wait says that ends for a failure, as a person reads it: what happened comes first, and in full.
func TestStuck(t *testing.T) {
	f := well()
	livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterControlPlaneInitializedCondition, metav1.ConditionFalse, "NotInitialized", "", 3)
	f.Machines = f.Machines[:1]
	f.Machines[0].Status.NodeRef.Name = ""
	livetest.SetCondition(&f.Machines[0].Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionUnknown, "NodeInspectionFailed", "", 1)
	livetest.SetCondition(&f.Machines[0].Status.Conditions, clusterv1.MachineInfrastructureReadyCondition, metav1.ConditionFalse, dockerv1.BootstrapFailedReason,
		"* BootstrapCompleted: Bootstrap command \"kubeadm init\" failed with exit code 1:\n[preflight] port 6443 is in use", 1)
	failed := f.Failures(live.LevelRollout)[0]
	failed.Message += "\n" + strings.Repeat("and so on ", 30)
	plan := model{Namespace: types.StringValue("default"), Name: types.StringValue("web"), CNI: types.ObjectNull(nil),
		WaitFor: types.StringValue("rollout"), OnTimeout: types.StringValue(onTimeoutWarn)}
	err := &live.StuckError{Failure: failed, Waited: 42 * time.Second, Tree: f.Tree(live.Goal{Until: live.LevelRollout})}
	warnings := waitDiagnostics(plan, err, f)
	if len(warnings) != 1 || warnings[0].Severity() != diag.SeverityWarning {
		t.Fatalf("got %v, want one warning", warnings)
	}
	acctest.Golden(t, "stuck", warnings[0].Summary()+"\n\n"+warnings[0].Detail()+"\n")
	plan.OnTimeout = types.StringValue(onTimeoutError)
	if errs := waitDiagnostics(plan, err, f); !errs.HasError() || !strings.Contains(errs[0].Detail(), "terraform untaint") {
		t.Errorf("got %v, want an error", errs)
	}
}
