// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

const (
	// failureGrace is how long a failure has to last before a wait ends for it.
	// Controllers take some seconds to find out that they have something to replace
	// or to correct.
	failureGrace = 30 * time.Second
	// retryGrace is the same for what controllers try again, and achieve if a
	// registry or an API server answers in the meantime.
	retryGrace = 2 * time.Minute
)

// failure is why a cluster does not get on without help.
type failure struct {
	// object is what failed, with its kind.
	object string
	// reason is the one of its condition.
	reason string
	// message says what happened, in full.
	message string
	// grace is how long the failure has to last.
	grace time.Duration
}

// stuckError ends a wait for a failure that has lasted.
type stuckError struct {
	failure
	// waited is for how long.
	waited time.Duration
	// tree shows the cluster as it is then.
	tree string
}

func (e *stuckError) Error() string {
	return fmt.Sprintf("stuck after %s: %s: %s", e.waited.Round(time.Second), e.object, e.message)
}

// stuckDiagnostic says what failed, and what helps. What is known about the cluster,
// if anything is, tells the likely causes.
func stuckDiagnostic(plan model, waitingFor string, stuck *stuckError, f *facts) diag.Diagnostic {
	texts := []string{
		fmt.Sprintf("%s failed:\n\n%s", stuck.object, tfkit.Indent(stuck.message)),
		fmt.Sprintf("Waited %s for %s, which does not come about unless the cause is corrected.", stuck.waited.Round(time.Second), waitingFor),
	}
	if stuck.tree != "" {
		texts = append(texts, tfkit.Indent(stuck.tree))
	}
	if f != nil {
		texts = append(texts, f.causes(plan)...)
		texts = append(texts, stuck.replacement(isInitialized(f.cluster))...)
	}
	if plan.OnTimeout.ValueString() == onTimeoutError {
		texts = append(texts, failedCreation)
		return diag.NewErrorDiagnostic("Cluster is stuck", strings.Join(texts, "\n\n"))
	}
	texts = append(texts, "The next apply resumes the wait.")
	return diag.NewWarningDiagnostic("Cluster is stuck", strings.Join(texts, "\n\n"))
}

// replacement says how a machine that failed gets replaced, once the cause is
// corrected.
func (e *stuckError) replacement(initialized bool) []string {
	switch {
	case !strings.HasPrefix(e.object, "Machine "):
		return nil
	case !initialized:
		return []string{"Cluster API does not replace the first machine of a control plane for a change. If topology.version is the cause, " +
			"correct it, and the apply replaces the machine. Otherwise correct the cause and delete the Machine with kubectl, " +
			"or destroy the cluster and create it again."}
	}
	return []string{"Cluster API replaces a failed machine for a change of its template or version, for a health_check, and when its Machine is deleted."}
}

// lasting remembers since when failures have lasted.
type lasting map[string]time.Time

// update takes over which failures there are now, and returns the first one that
// has lasted for its grace, if any has.
func (l lasting) update(failures []failure, now time.Time) *failure {
	keys := map[string]bool{}
	var lasted *failure
	for i := range failures {
		key := failures[i].object + " " + failures[i].reason
		keys[key] = true
		if _, known := l[key]; !known {
			l[key] = now
		}
		if lasted == nil && now.Sub(l[key]) >= failures[i].grace {
			lasted = &failures[i]
		}
	}
	for key := range l {
		if !keys[key] {
			delete(l, key)
		}
	}
	return lasted
}

// failures are what keeps the cluster from coming to the level, the causes of
// others first: infrastructure, control plane machines, workers, the network plugin.
// What Cluster API is about to replace is not among them.
func (f *facts) failures(l level) []failure {
	var list []failure
	add := func(found *failure) {
		if found != nil {
			list = append(list, *found)
		}
	}
	add(f.infrastructureFailure())
	for _, machine := range f.byCause() {
		if l >= levelAvailable || l >= levelControlPlane && isControlPlane(machine) {
			add(f.machineFailure(machine))
		}
	}
	if l >= levelAvailable {
		add(f.resourceSetFailure())
	}
	return list
}

// byCause returns the machines in the order in which what hinders one hinders others.
func (f *facts) byCause() []*clusterv1.Machine {
	machines := make([]*clusterv1.Machine, len(f.machines))
	for i := range f.machines {
		machines[i] = &f.machines[i]
	}
	slices.SortStableFunc(machines, func(a, b *clusterv1.Machine) int {
		switch {
		case isControlPlane(a) == isControlPlane(b):
			return 0
		case isControlPlane(a):
			return -1
		}
		return 1
	})
	return machines
}

func (f *facts) infrastructureFailure() *failure {
	if f.infrastructure == nil {
		return nil
	}
	object := f.infrastructure.GetKind() + " " + f.infrastructure.GetName()
	return f.conditionFailure(object, f.infrastructure.GetKind(), conditionOf(f.infrastructure, clusterv1.ReadyCondition))
}

func (f *facts) machineFailure(machine *clusterv1.Machine) *failure {
	if !machine.DeletionTimestamp.IsZero() || f.isAboutToRoll(machine) || isAboutToBeRemediated(machine) {
		return nil
	}
	object := "Machine " + machine.Name
	if status := machine.Status.Deprecated; status != nil && status.V1Beta1 != nil { //nolint:staticcheck // As below.
		if message := status.V1Beta1.FailureMessage; message != nil { //nolint:staticcheck // Providers of the contract v1beta1 say nothing else.
			return &failure{object: object, reason: "Failed", message: redact.Text(*message), grace: failureGrace}
		}
	}
	for _, c := range []struct{ conditionType, kind string }{
		{clusterv1.MachineInfrastructureReadyCondition, machine.Spec.InfrastructureRef.Kind},
		{clusterv1.MachineBootstrapConfigReadyCondition, machine.Spec.Bootstrap.ConfigRef.Kind},
		{clusterv1.MachineNodeReadyCondition, "Node"},
	} {
		condition := meta.FindStatusCondition(machine.Status.Conditions, c.conditionType)
		if condition == nil {
			continue
		}
		if found := f.conditionFailure(object, c.kind, *condition); found != nil {
			return found
		}
	}
	return nil
}

// conditionFailure is the failure that a condition about an object of the kind
// tells of, if it tells of one.
func (f *facts) conditionFailure(object, kind string, c metav1.Condition) *failure {
	found := &failure{object: object, reason: c.Reason, message: plainMessage(c), grace: failureGrace}
	isDocker := slices.Contains([]string{"DockerMachine", "DevMachine", "DockerCluster", "DevCluster"}, kind)
	switch {
	case c.Status != metav1.ConditionFalse:
		return nil
	case isDocker && c.Reason == dockerv1.HostPortInUseReason && f.isAnyMachineGoing():
		// It may be the one that has the port.
		return nil
	case isDocker && dockerv1.NeedsHelp(c.Reason), c.Reason == clusterv1.ObjectDeletedReason, c.Reason == clusterv1.MachineNodeDeletedReason:
		return found
	case isDocker && c.Reason == dockerv1.ImagePullFailedReason, kind == "KubeadmConfig" && strings.Contains(c.Message, ": Failed to "):
		// Of the bootstrap provider's failures only the text tells (Cluster API 1.14).
		found.grace = retryGrace
		return found
	}
	return nil
}

// resourceSetFailure is why what installs the network plugin cannot be applied to
// the cluster. Only a deprecated condition says that in full (Cluster API 1.14).
func (f *facts) resourceSetFailure() *failure {
	if f.resourceSet == nil {
		return nil
	}
	condition := meta.FindStatusCondition(f.resourceSet.Status.Conditions, addonsv1.ClusterResourceSetResourcesAppliedCondition)
	// An internal error is mostly that the API server does not answer yet.
	if condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason == addonsv1.ClusterResourceSetResourcesAppliedInternalErrorReason {
		return nil
	}
	message := plainMessage(*condition)
	for _, c := range f.resourceSet.GetV1Beta1Conditions() {
		if c.Type == addonsv1.ResourcesAppliedV1Beta1Condition && c.Message != "" {
			message = redact.Text(c.Message)
		}
	}
	return &failure{object: "ClusterResourceSet " + f.resourceSet.Name, reason: condition.Reason, message: message, grace: retryGrace}
}

// isAboutToRoll says whether Cluster API replaces a machine because it is not as
// declared. The first machine of a control plane it leaves alone: there is no API
// server to ask whether that is safe. Nor does a control plane go on to a version that
// is several steps away while a machine of the present step fails.
func (f *facts) isAboutToRoll(machine *clusterv1.Machine) bool {
	version := f.cluster.Spec.Topology.Version
	if isControlPlane(machine) {
		if !isInitialized(f.cluster) {
			return false
		}
		if f.controlPlane != nil {
			step, _, _ := unstructured.NestedString(f.controlPlane.Object, "spec", "version")
			version = cmp.Or(step, version)
		}
	}
	return machine.Spec.Version != version || meta.IsStatusConditionFalse(machine.Status.Conditions, clusterv1.MachineUpToDateCondition)
}

// isAboutToBeRemediated says whether a MachineHealthCheck has a failed machine
// replaced, now or once it finds out.
func isAboutToBeRemediated(machine *clusterv1.Machine) bool {
	checked := meta.FindStatusCondition(machine.Status.Conditions, clusterv1.MachineHealthCheckSucceededCondition)
	if _, skipped := machine.Annotations[clusterv1.MachineSkipRemediationAnnotation]; skipped || checked == nil {
		return false
	}
	if checked.Status != metav1.ConditionFalse {
		return true
	}
	// Without either condition the check has found too many machines unhealthy.
	for _, conditionType := range []string{clusterv1.MachineOwnerRemediatedCondition, clusterv1.MachineExternallyRemediatedCondition} {
		if c := meta.FindStatusCondition(machine.Status.Conditions, conditionType); c != nil {
			return !slices.Contains([]string{
				clusterv1.MachineSetMachineCannotBeRemediatedReason, // also the kubeadm control plane's
				clusterv1.MachineExternallyRemediatedRemediationTemplateNotFoundReason,
				clusterv1.MachineExternallyRemediatedRemediationRequestCreationFailedReason,
			}, c.Reason)
		}
	}
	return false
}

func (f *facts) isAnyMachineGoing() bool {
	return slices.ContainsFunc(f.machines, func(m clusterv1.Machine) bool { return !m.DeletionTimestamp.IsZero() })
}

// plainMessage is the message of a condition that is the summary of another one,
// as the other one has it, without credentials.
func plainMessage(c metav1.Condition) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(redact.Text(c.Message)), "* "))
}
