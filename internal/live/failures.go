// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/advice"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
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

// Failure is why a cluster does not get on without help.
type Failure struct {
	// Object is what failed, with its kind.
	Object string
	// reason is the one of its condition.
	reason string
	// Message says what happened, in full.
	Message string
	// grace is how long the failure has to last.
	grace time.Duration
}

// StuckError ends a wait for a failure that has lasted.
type StuckError struct {
	Failure
	// Waited is for how long.
	Waited time.Duration
	// Tree shows the cluster as it is then.
	Tree string
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("stuck after %s: %s: %s", e.Waited.Round(time.Second), e.Object, e.Message)
}

// lasting remembers since when failures have lasted.
type lasting map[string]time.Time

// update takes over which failures there are now, and returns the first one that
// has lasted for its grace, if any has.
func (l lasting) update(failures []Failure, now time.Time) *Failure {
	keys := map[string]bool{}
	var lasted *Failure
	for i := range failures {
		key := failures[i].Object + " " + failures[i].reason
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

// Failures are what keeps the cluster from coming to the level, the causes of
// others first: infrastructure, control plane machines, workers, the network plugin.
// What Cluster API is about to replace is not among them.
func (f *Facts) Failures(l Level) []Failure {
	var list []Failure
	add := func(found *Failure) {
		if found != nil {
			list = append(list, *found)
		}
	}
	add(f.infrastructureFailure())
	for _, machine := range f.byCause() {
		if l >= LevelAvailable || l >= LevelControlPlane && util.IsControlPlaneMachine(machine) {
			add(f.machineFailure(machine))
		}
	}
	if l >= LevelAvailable {
		add(f.resourceSetFailure())
	}
	return list
}

// byCause returns the machines in the order in which what hinders one hinders others.
func (f *Facts) byCause() []*clusterv1.Machine {
	machines := make([]*clusterv1.Machine, len(f.Machines))
	for i := range f.Machines {
		machines[i] = &f.Machines[i]
	}
	slices.SortStableFunc(machines, func(a, b *clusterv1.Machine) int {
		switch {
		case util.IsControlPlaneMachine(a) == util.IsControlPlaneMachine(b):
			return 0
		case util.IsControlPlaneMachine(a):
			return -1
		}
		return 1
	})
	return machines
}

func (f *Facts) infrastructureFailure() *Failure {
	if f.infrastructure == nil {
		return nil
	}
	object := f.infrastructure.GetKind() + " " + f.infrastructure.GetName()
	return f.conditionFailure(object, f.infrastructure.GetKind(), conditionOf(f.infrastructure, clusterv1.ReadyCondition))
}

func (f *Facts) machineFailure(machine *clusterv1.Machine) *Failure {
	if !machine.DeletionTimestamp.IsZero() || f.isAboutToRoll(machine) || isAboutToBeRemediated(machine) {
		return nil
	}
	object := "Machine " + machine.Name
	if status := machine.Status.Deprecated; status != nil && status.V1Beta1 != nil { //nolint:staticcheck // As below.
		if message := status.V1Beta1.FailureMessage; message != nil { //nolint:staticcheck // Providers of the contract v1beta1 say nothing else.
			return &Failure{Object: object, reason: "Failed", Message: redact.Text(*message), grace: failureGrace}
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
func (f *Facts) conditionFailure(object, kind string, c metav1.Condition) *Failure {
	found := &Failure{Object: object, reason: c.Reason, Message: plainMessage(c), grace: failureGrace}
	outlook := advice.Judge(kind, c.Reason, f.isAnyMachineGoing())
	switch {
	case c.Status != metav1.ConditionFalse:
		return nil
	case outlook == advice.NeedsHelp, c.Reason == clusterv1.ObjectDeletedReason, c.Reason == clusterv1.MachineNodeDeletedReason:
		return found
	case outlook == advice.Retried, kind == "KubeadmConfig" && strings.Contains(c.Message, ": Failed to "):
		// Of the bootstrap provider's failures only the text tells (Cluster API 1.14).
		found.grace = retryGrace
		return found
	}
	return nil
}

// resourceSetFailure is why what installs the network plugin cannot be applied to
// the cluster. Only a deprecated condition says that in full (Cluster API 1.14).
func (f *Facts) resourceSetFailure() *Failure {
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
	return &Failure{Object: "ClusterResourceSet " + f.resourceSet.Name, reason: condition.Reason, Message: message, grace: retryGrace}
}

// isAboutToRoll says whether Cluster API replaces a machine because it is not as
// declared. The first machine of a control plane it leaves alone: there is no API
// server to ask whether that is safe. Nor does a control plane go on to a version that
// is several steps away while a machine of the present step fails.
func (f *Facts) isAboutToRoll(machine *clusterv1.Machine) bool {
	version := f.Cluster.Spec.Topology.Version
	if util.IsControlPlaneMachine(machine) {
		if !IsInitialized(f.Cluster) {
			return false
		}
		if f.ControlPlane != nil {
			step, _, _ := unstructured.NestedString(f.ControlPlane.Object, "spec", "version")
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

func (f *Facts) isAnyMachineGoing() bool {
	return slices.ContainsFunc(f.Machines, func(m clusterv1.Machine) bool { return !m.DeletionTimestamp.IsZero() })
}

// plainMessage is the message of a condition that is the summary of another one,
// as the other one has it, without credentials.
func plainMessage(c metav1.Condition) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(redact.Text(c.Message)), "* "))
}
