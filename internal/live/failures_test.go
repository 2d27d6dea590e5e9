// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func failedResourceSet() *addonsv1.ClusterResourceSet {
	set := &addonsv1.ClusterResourceSet{ObjectMeta: metav1.ObjectMeta{Name: "web-cni"}}
	livetest.SetCondition(&set.Status.Conditions, addonsv1.ClusterResourceSetResourcesAppliedCondition, metav1.ConditionFalse,
		addonsv1.ClusterResourceSetResourcesNotAppliedReason, "Failed to apply ClusterResourceSet resources to Cluster", 1)
	set.SetV1Beta1Conditions(clusterv1.Conditions{ //nolint:staticcheck // Only this condition has the message in full.
		{Type: addonsv1.ResourcesAppliedV1Beta1Condition, Message: "failed to apply object apps/v1, Kind=DaemonSet kube-system/cni"},
	})
	return set
}

// failing makes the machine with the index fail for the reason.
func failing(index int, reason string, more ...func(*Facts, *clusterv1.Machine)) func(*Facts) {
	return func(f *Facts) {
		machine := &f.Machines[index]
		machine.Status.NodeRef.Name = ""
		livetest.SetCondition(&machine.Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionUnknown, "NodeInspectionFailed", "", 1)
		livetest.SetCondition(&machine.Status.Conditions, clusterv1.MachineInfrastructureReadyCondition, metav1.ConditionFalse, reason, failureMessage, 1)
		for _, change := range more {
			change(f, machine)
		}
	}
}

const failureMessage = "* BootstrapCompleted: Bootstrap command \"kubeadm init\" failed with exit code 1:\n[preflight] port 6443 is in use"

func condition(conditionType string, status metav1.ConditionStatus, reason string) func(*Facts, *clusterv1.Machine) {
	return func(_ *Facts, m *clusterv1.Machine) {
		livetest.SetCondition(&m.Status.Conditions, conditionType, status, reason, "", 1)
	}
}

// Only failures that need help end a wait: not those that may pass, of machines that Cluster API is about to replace, or of
// machines that the level does not need.
func TestFailures(t *testing.T) {
	uninitialized := func(f *Facts, _ *clusterv1.Machine) {
		livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterControlPlaneInitializedCondition, metav1.ConditionFalse, "NotInitialized", "", 3)
	}
	checked := condition(clusterv1.MachineHealthCheckSucceededCondition, metav1.ConditionTrue, "HealthCheckSucceeded")
	unhealthy := condition(clusterv1.MachineHealthCheckSucceededCondition, metav1.ConditionFalse, "NodeStartupTimeout")
	ofProvider := func(kind string) func(*Facts, *clusterv1.Machine) {
		return func(_ *Facts, m *clusterv1.Machine) { m.Spec.InfrastructureRef.Kind = kind }
	}
	config := func(message string) func(*Facts) {
		return func(f *Facts) {
			f.Machines[0].Spec.Bootstrap.ConfigRef.Kind = "KubeadmConfig"
			livetest.SetCondition(&f.Machines[0].Status.Conditions, clusterv1.MachineBootstrapConfigReadyCondition, metav1.ConditionFalse, "NotReady", message, 1)
		}
	}
	const controlPlane, worker = 0, 1
	for name, test := range map[string]struct {
		change func(*Facts)
		until  Level
		object string
		grace  time.Duration
	}{
		"nothing":                      {func(*Facts) {}, LevelRollout, "", 0},
		"a command failed":             {failing(worker, dockerv1.BootstrapFailedReason), LevelRollout, "Machine web-md-0-a", failureGrace},
		"of the other kind":            {failing(worker, dockerv1.ImageNotFoundReason, ofProvider("DevMachine")), LevelRollout, "Machine web-md-0-a", failureGrace},
		"a reason of another provider": {failing(worker, dockerv1.ImageNotFoundReason, ofProvider("AWSMachine")), LevelRollout, "", 0},
		"goes on":                      {failing(worker, dockerv1.BootstrapNotCompletedReason), LevelRollout, "", 0},
		"a registry does not answer":   {failing(worker, dockerv1.ImagePullFailedReason), LevelRollout, "Machine web-md-0-a", retryGrace},
		"of another provider": {func(f *Facts) {
			f.Machines[worker].Status.Deprecated = &clusterv1.MachineDeprecatedStatus{V1Beta1: &clusterv1.MachineV1Beta1DeprecatedStatus{ //nolint:staticcheck // As below.
				FailureMessage: ptr.To("quota exceeded"), //nolint:staticcheck // Providers of the contract v1beta1 say nothing else.
			}}
		}, LevelRollout, "Machine web-md-0-a", failureGrace},
		"infrastructure deleted": {failing(worker, clusterv1.MachineInfrastructureDeletedReason, ofProvider("AWSMachine")), LevelRollout, "Machine web-md-0-a", failureGrace},
		"node deleted": {func(f *Facts) {
			livetest.SetCondition(&f.Machines[controlPlane].Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionFalse, clusterv1.MachineNodeDeletedReason, "", 1)
		}, LevelRollout, "Machine web-x7k2p-1", failureGrace},
		"workers do not matter yet":  {failing(worker, dockerv1.BootstrapFailedReason), LevelControlPlane, "", 0},
		"control planes do":          {failing(controlPlane, dockerv1.BootstrapFailedReason), LevelControlPlane, "Machine web-x7k2p-1", failureGrace},
		"but not for infrastructure": {failing(controlPlane, dockerv1.BootstrapFailedReason), LevelInfrastructure, "", 0},
		"load balancer": {func(f *Facts) {
			f.infrastructure = &unstructured.Unstructured{Object: map[string]any{"kind": "DockerCluster", "metadata": map[string]any{"name": "web-abcde"},
				"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False", "reason": dockerv1.HostPortInUseReason}}}}}
		}, LevelInfrastructure, "DockerCluster web-abcde", failureGrace},
		"the control plane comes first": {func(f *Facts) {
			failing(worker, dockerv1.BootstrapFailedReason)(f)
			failing(controlPlane, dockerv1.ImageNotFoundReason)(f)
			f.Machines[controlPlane], f.Machines[worker] = f.Machines[worker], f.Machines[controlPlane]
		}, LevelRollout, "Machine web-x7k2p-1", failureGrace},

		"is being deleted": {failing(worker, dockerv1.BootstrapFailedReason, func(_ *Facts, m *clusterv1.Machine) { m.DeletionTimestamp = ptr.To(metav1.Now()) }), LevelRollout, "", 0},
		"is to be replaced": {failing(worker, dockerv1.BootstrapFailedReason, condition(clusterv1.MachineUpToDateCondition, metav1.ConditionFalse, "NotUpToDate")),
			LevelRollout, "", 0},
		"is to get another version": {failing(controlPlane, dockerv1.ImageNotFoundReason, func(_ *Facts, m *clusterv1.Machine) { m.Spec.Version = "v1.34.99" }), LevelRollout, "", 0},
		"is of a step on the way": {func(f *Facts) {
			failing(controlPlane, dockerv1.ImageNotFoundReason)(f)
			f.Cluster.Spec.Topology.Version = "v1.37.0"
		}, LevelRollout, "Machine web-x7k2p-1", failureGrace},
		"the first control plane machine is not replaced": {failing(controlPlane, dockerv1.ImageNotFoundReason, uninitialized,
			func(_ *Facts, m *clusterv1.Machine) { m.Spec.Version = "v1.34.99" }), LevelRollout, "Machine web-x7k2p-1", failureGrace},

		"a health check has not noticed yet": {failing(worker, dockerv1.BootstrapFailedReason, checked), LevelRollout, "", 0},
		"a health check has it replaced": {failing(worker, dockerv1.BootstrapFailedReason, unhealthy,
			condition(clusterv1.MachineOwnerRemediatedCondition, metav1.ConditionFalse, clusterv1.MachineOwnerRemediatedWaitingForRemediationReason)), LevelRollout, "", 0},
		"it cannot be replaced": {failing(worker, dockerv1.BootstrapFailedReason, unhealthy,
			condition(clusterv1.MachineOwnerRemediatedCondition, metav1.ConditionFalse, clusterv1.MachineSetMachineCannotBeRemediatedReason)),
			LevelRollout, "Machine web-md-0-a", failureGrace},
		"too many are unhealthy": {failing(worker, dockerv1.BootstrapFailedReason, unhealthy), LevelRollout, "Machine web-md-0-a", failureGrace},
		"it is not to be replaced": {failing(worker, dockerv1.BootstrapFailedReason, checked, func(_ *Facts, m *clusterv1.Machine) {
			m.Annotations = map[string]string{clusterv1.MachineSkipRemediationAnnotation: ""}
		}), LevelRollout, "Machine web-md-0-a", failureGrace},

		"a port in use": {failing(worker, dockerv1.HostPortInUseReason), LevelRollout, "Machine web-md-0-a", failureGrace},
		"a port that an old machine has": {failing(worker, dockerv1.HostPortInUseReason, func(f *Facts, _ *clusterv1.Machine) {
			f.Machines[2].DeletionTimestamp = ptr.To(metav1.Now())
		}), LevelRollout, "", 0},

		"bootstrap configuration": {config("* DataSecretAvailable: Failed to prepare spec.files: Secret default/x not found"), LevelRollout, "Machine web-x7k2p-1", retryGrace},
		"waits for others":        {config("* DataSecretAvailable: Waiting for Cluster control plane to be initialized"), LevelRollout, "", 0},

		"network plugin": {func(f *Facts) { f.resourceSet = failedResourceSet() }, LevelRollout, "ClusterResourceSet web-cni", retryGrace},
		"no API server yet": {func(f *Facts) {
			f.resourceSet = failedResourceSet()
			f.resourceSet.Status.Conditions[0].Reason = addonsv1.ClusterResourceSetResourcesAppliedInternalErrorReason
		}, LevelRollout, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := finished()
			test.change(f)
			found := append(f.Failures(test.until), Failure{})[0]
			if found.Object != test.object || found.grace != test.grace {
				t.Errorf("got %q after %s, want %q after %s", found.Object, found.grace, test.object, test.grace)
			}
		})
	}
}

// A failure ends a wait once it has stayed the same for its grace.
func TestLasting(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(0, 0).Add(time.Duration(seconds) * time.Second) }
	a := Failure{Object: "Machine a", reason: "BootstrapFailed", grace: 30 * time.Second}
	other, b := a, Failure{Object: "Machine b", reason: "ImagePullFailed", grace: time.Minute}
	other.reason = "ContainerMissing"
	l := lasting{}
	for _, step := range []struct {
		second   int
		failures []Failure
		want     string
	}{
		{0, []Failure{a, b}, ""},
		{29, []Failure{a, b}, ""},
		{30, []Failure{other, b}, ""}, // for another reason
		{59, []Failure{other, b}, ""},
		{60, []Failure{b, other}, "Machine b"},
		{61, []Failure{a}, ""}, // gone and back again
		{90, []Failure{a, b}, ""},
		{91, []Failure{b, a}, "Machine a"},
	} {
		got := ""
		if failed := l.update(step.failures, at(step.second)); failed != nil {
			got = failed.Object
		}
		if got != step.want {
			t.Errorf("after %d s: %q has lasted, want %q", step.second, got, step.want)
		}
	}
}

// A wait ends soon for what does not mend itself, and goes on for what Cluster API is about to mend.
func TestWaitForFailingMachine(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Facts)
		want   time.Duration
		stuck  bool
	}{
		"a command failed":           {failing(0, dockerv1.BootstrapFailedReason), failureGrace, true},
		"a registry does not answer": {failing(0, dockerv1.ImagePullFailedReason), retryGrace, true},
		"a health check":             {failing(0, dockerv1.BootstrapFailedReason, condition(clusterv1.MachineHealthCheckSucceededCondition, metav1.ConditionTrue, "HealthCheckSucceeded")), 10 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := finished()
				test.change(f)
				machine := f.Machines[0].DeepCopy()
				machine.Labels[clusterv1.ClusterNameLabel] = f.Cluster.Name
				mgmt := &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithObjects(f.Cluster, machine).Build()}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				began := time.Now()
				err := WaitFor(ctx, mgmt, client.ObjectKeyFromObject(f.Cluster), Goal{Until: LevelRollout, Began: began})
				if waited := time.Since(began); waited < test.want || waited > test.want+3*time.Second { // The next look may come that much later.
					t.Errorf("waited %s, want %s", waited, test.want)
				}
				var stuck *StuckError
				if errors.As(err, &stuck) != test.stuck {
					t.Errorf("got %v", err)
				}
				if test.stuck && (stuck.Object != "Machine web-x7k2p-1" || !strings.Contains(stuck.Message, "[preflight] port 6443 is in use")) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// A wait that runs out of time says in full what the first machine says, if the tree cannot.
func TestReport(t *testing.T) {
	w := Goal{Until: LevelRollout}
	for name, test := range map[string]struct {
		change func(*Facts)
		want   string
	}{
		"a log": {failing(0, dockerv1.BootstrapNotCompletedReason),
			"Machine web-x7k2p-1: InfrastructureReady is False (NotCompleted): BootstrapCompleted: Bootstrap command \"kubeadm init\" failed with exit code 1:\n" +
				"[preflight] port 6443 is in use\n\n"},
		"a long line": {func(f *Facts) {
			f.Machines[1].DeletionTimestamp = ptr.To(metav1.Now())
			livetest.SetCondition(&f.Machines[1].Status.Conditions, clusterv1.MachineDeletingCondition, metav1.ConditionTrue, "DrainingNode", strings.Repeat("x", treeLineWidth), 1)
		}, "Machine web-md-0-a: Deleting is True (DrainingNode): " + strings.Repeat("x", treeLineWidth) + "\n\n"},
		"a short line": {func(f *Facts) {
			livetest.SetCondition(&f.Machines[1].Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionFalse, "NodeNotReady", "no network", 1)
		}, ""},
		"nothing": {func(*Facts) {}, ""},
	} {
		f := finished()
		test.change(f)
		if got := f.Report(w); got != test.want+f.Tree(w) {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}
