// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8stypes "k8s.io/apimachinery/pkg/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// lastLook is how long reading the outcome may take after a wait used up the
// operation's own time.
const lastLook = 30 * time.Second

// checkNew refuses at plan to create a class that exists, or that another resource
// of the configuration creates, too.
func checkNew(ctx context.Context, s *session.Session, mgmt *management.Cluster, plan model, known tfkit.Record, private tfkit.PrivateState) diag.Diagnostics {
	if !s.Claim(session.Plan, ResourceType, plan.id()) {
		return diag.Diagnostics{tfkit.CreatedTwice(path.Root("name"), plan.object())}
	}
	if mgmt == nil {
		return nil
	}
	existing, err := get(ctx, mgmt, plan.key())
	if err != nil {
		return nil
	}
	if s.MayCreate(ctx, existing, known.UID) {
		return tfkit.CarryRecord(ctx, s, private, known.UID, existing.GetUID())
	}
	return diag.Diagnostics{tfkit.AlreadyExists(path.Root("name"), plan.object(), ResourceType, plan.id())}
}

// create makes the class and then its templates, which it owns: whatever happens
// in between, nothing exists that leads nowhere. Until the templates are there,
// Cluster API's controller tries again. It returns nil if there is no new class.
func create(ctx context.Context, mgmt *management.Cluster, plan *model) (*management.Creation, diag.Diagnostics) {
	desired, err := plan.ToAPI()
	if err != nil {
		return nil, diag.Diagnostics{plan.invalid(err)}
	}
	desired.rename(plan.templateNames())
	class := desired.class.DeepCopy()
	creation, err := mgmt.Begin(ctx, class)
	if err != nil {
		if exists, is := tfkit.CreationError(path.Root("name"), plan.object(), ResourceType, plan.id(), err); is {
			return nil, diag.Diagnostics{exists}
		}
		return nil, desired.classDiagnostics(*plan, err)
	}
	if diags := desired.applyTemplates(ctx, mgmt, *plan, class.GetUID()); diags.HasError() {
		creation.Stop()
		return nil, append(diags, undo(ctx, mgmt, *plan, class)...)
	}
	plan.observeApplied(desired)
	if creation.TookOver {
		return creation, diag.Diagnostics{tfkit.TookOver(plan.object())}
	}
	return creation, nil
}

// undo removes a class that no state has, because its templates were refused.
func undo(ctx context.Context, mgmt *management.Cluster, plan model, class *unstructured.Unstructured) diag.Diagnostics {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	if err := deleteClass(ctx, mgmt, class); err != nil {
		return diag.Diagnostics{diag.NewWarningDiagnostic("Class left behind", fmt.Sprintf(
			"%s was created before its templates were refused, and could not be deleted: %s. The next apply takes it over.", plan.object(), err))}
	}
	return nil
}

// update makes the templates whose content changed, and then the class with this
// UID, which refers to them.
func update(ctx context.Context, mgmt *management.Cluster, plan *model, uid k8stypes.UID) (*rendered, diag.Diagnostics) {
	desired, err := plan.ToAPI()
	if err != nil {
		return nil, diag.Diagnostics{plan.invalid(err)}
	}
	desired.rename(plan.templateNames())
	if diags := desired.applyTemplates(ctx, mgmt, *plan, uid); diags.HasError() {
		return nil, diags
	}
	if err := mgmt.ApplyTo(ctx, desired.class.DeepCopy(), uid); err != nil {
		return nil, desired.classDiagnostics(*plan, err)
	}
	plan.observeApplied(desired)
	return desired, nil
}

func (m *model) observeApplied(desired *rendered) {
	m.ID, m.Ready, m.Templates = types.StringValue(m.id()), types.BoolValue(false), names(desired.names())
	m.LeftOut = desired.leftOut()
}

// applyTemplates makes the templates, owned by the class with this UID, so that
// they go with it.
func (r *rendered) applyTemplates(ctx context.Context, mgmt *management.Cluster, plan model, class k8stypes.UID) diag.Diagnostics {
	for role, template := range r.templates {
		template = template.DeepCopy()
		template.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: clusterv1.GroupVersion.String(), Kind: clusterv1.ClusterClassKind, Name: r.class.GetName(), UID: class,
		}})
		err := mgmt.Apply(ctx, template)
		if topology.IsFaulty(err) {
			return diag.Diagnostics{r.templateDiagnostic(role, topology.Problems(err))}
		}
		if err != nil {
			return diag.Diagnostics{tfkit.RequestError("apply the templates of "+plan.object(), err)}
		}
	}
	return nil
}

// classDiagnostics words why the management cluster did not take the class.
func (r *rendered) classDiagnostics(plan model, err error) diag.Diagnostics {
	if topology.IsRefusal(err) {
		return r.problemDiagnostics(topology.Problems(err))
	}
	return diag.Diagnostics{tfkit.RequestError("apply "+plan.object(), err)}
}

// finish waits until the class is accepted, and says whether it is.
func finish(ctx, waitCtx context.Context, mgmt *management.Cluster, plan *model) (bool, diag.Diagnostics) {
	err := waitReconciled(waitCtx, mgmt, plan.key())
	plan.Ready = types.BoolValue(err == nil)
	if err == nil {
		return true, oldVersions(ctx, mgmt, *plan)
	}
	waitingFor, remedy := plan.object()+" to be accepted by Cluster API", "The next apply resumes the wait."
	var timedOut *waiter.TimeoutError
	if errors.As(err, &timedOut) {
		return false, diag.Diagnostics{tfkit.TimeoutWarning(waitingFor, timedOut, remedy)}
	}
	return false, diag.Diagnostics{diag.NewWarningDiagnostic("Wait interrupted",
		fmt.Sprintf("Waiting for %s ended early: %s. %s", waitingFor, err, remedy))}
}

// oldVersions warns of references to old versions of the templates' APIs, which
// work until Cluster API drops them.
func oldVersions(ctx context.Context, mgmt *management.Cluster, plan model) diag.Diagnostics {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	class := &clusterv1.ClusterClass{}
	if err := mgmt.Get(ctx, plan.key(), class); err != nil {
		return nil
	}
	c := meta.FindStatusCondition(class.Status.Conditions, clusterv1.ClusterClassRefVersionsUpToDateCondition)
	if c == nil || c.Reason != clusterv1.ClusterClassRefVersionsNotUpToDateReason {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Old API version", fmt.Sprintf(
		"%s refers to templates by an old API version: %s Set api_version to the newer one.", plan.object(), c.Message))}
}

// cleanUp removes the templates that the class no longer refers to. Leaving one
// behind harms nobody, so that failing is a warning; the next update tries again.
func cleanUp(ctx context.Context, mgmt *management.Cluster, plan model, before, class *unstructured.Unstructured) diag.Diagnostics {
	if err := removeUnused(ctx, mgmt, before, kinds(before, class)); err != nil {
		return diag.Diagnostics{diag.NewWarningDiagnostic("Old templates left behind",
			fmt.Sprintf("Templates that %s no longer refers to could not be removed: %s.", plan.object(), err))}
	}
	return nil
}
