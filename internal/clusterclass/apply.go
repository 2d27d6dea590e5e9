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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// lastLook is how long reading the outcome may take after a wait used up the
// operation's own time.
const lastLook = 30 * time.Second

// checkNew refuses to create a class that exists already, unless it is what an
// interrupted creation left.
func checkNew(ctx context.Context, mgmt *management.Cluster, plan model) diag.Diagnostics {
	existing, err := get(ctx, mgmt, plan.key())
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return diag.Diagnostics{tfkit.RequestError("look for "+plan.object(), err)}
	}
	desired, err := plan.ToAPI()
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	if topology.AppliedAs(existing, desired.class, management.FieldManager) {
		return nil
	}
	return diag.Diagnostics{tfkit.AlreadyExists(path.Root("name"), plan.object(), ResourceType, plan.id())}
}

// checkForeign refuses at plan to create a class that somebody else has made. One
// that Terraform made may be there because it is about to be replaced.
func checkForeign(ctx context.Context, mgmt *management.Cluster, plan model) diag.Diagnostics {
	existing, err := get(ctx, mgmt, plan.key())
	if err != nil {
		return nil
	}
	if _, applied, err := topology.Owned(existing, management.FieldManager); err != nil || applied {
		return nil
	}
	return diag.Diagnostics{tfkit.AlreadyExists(path.Root("name"), plan.object(), ResourceType, plan.id())}
}

// apply makes the templates and then the class that refers to them as planned.
func apply(ctx context.Context, mgmt *management.Cluster, plan *model) (*rendered, diag.Diagnostics) {
	desired, err := plan.ToAPI()
	if err != nil {
		return nil, diag.Diagnostics{invalidConfiguration(err)}
	}
	desired.rename(plan.templateNames())
	for role, template := range desired.templates {
		err := mgmt.Apply(ctx, template.DeepCopy())
		if isFaulty(err) {
			return nil, diag.Diagnostics{desired.templateDiagnostic(role, topology.Problems(err))}
		}
		if err != nil {
			return nil, diag.Diagnostics{tfkit.RequestError("apply the templates of "+plan.object(), err)}
		}
	}
	applied := desired.class.DeepCopy()
	err = mgmt.Apply(ctx, applied)
	if topology.IsRefusal(err) {
		return nil, desired.problemDiagnostics(topology.Problems(err))
	}
	if err != nil {
		return nil, diag.Diagnostics{tfkit.RequestError("apply "+plan.object(), err)}
	}
	plan.ID, plan.Ready, plan.Templates = types.StringValue(plan.id()), types.BoolValue(false), names(desired.names())
	return desired, nil
}

// finish waits until the class is accepted, and says whether it is.
func finish(ctx, waitCtx context.Context, mgmt *management.Cluster, plan *model) (bool, diag.Diagnostics) {
	err := waitReconciled(waitCtx, mgmt, plan.key())
	plan.Ready = types.BoolValue(err == nil)
	if err == nil {
		return true, oldVersions(ctx, mgmt, *plan)
	}
	waitingFor, remedy := plan.object()+" to be accepted by Cluster API", "The next apply resumes the wait."
	var timedOut *tfkit.TimeoutError
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
func cleanUp(ctx context.Context, mgmt *management.Cluster, plan model, classes ...*unstructured.Unstructured) diag.Diagnostics {
	if err := removeUnused(ctx, mgmt, plan.key(), kinds(classes...)); err != nil {
		return diag.Diagnostics{diag.NewWarningDiagnostic("Old templates left behind",
			fmt.Sprintf("Templates that %s no longer refers to could not be removed: %s.", plan.object(), err))}
	}
	return nil
}

func unfinishedNote(finished bool) []byte {
	if finished {
		return []byte("false")
	}
	return []byte("true")
}
