// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// validate refuses what can be known to be wrong. What is unknown, or needs a
// management cluster that does not answer, is left for the apply. A cluster that
// does not change itself may still become wrong with its class.
func (p *planning) validate(ctx context.Context) diag.Diagnostics {
	switch {
	case p.desired == nil:
		return p.validateVersion(ctx)
	case !p.changes && !p.class.Changes:
		return nil
	}
	diags := problemDiagnostics(topology.ValidateFields(ctx, p.desired), p.desired)
	before := p.before.DeepCopy()
	if before != nil {
		version, more := p.versionBefore(ctx, before.Spec.Topology.Version, p.cluster.Spec.Topology.Version)
		before.Spec.Topology.Version = version
		diags.Append(more...)
	}
	if !diags.HasError() {
		diags.Append(p.validateWithClass(ctx, before)...)
	}
	if diags.HasError() {
		return diags
	}
	diags.Append(p.validateClassChange(ctx, before)...)
	if p.mgmt != nil && p.changes && !p.class.Changes && !diags.HasError() {
		diags.Append(p.dryRun(ctx)...)
	}
	return diags
}

// validateWithClass validates by the class. One that is only noted may be another
// one by now: what an existing cluster has against it is a warning.
func (p *planning) validateWithClass(ctx context.Context, before *clusterv1.Cluster) diag.Diagnostics {
	class := classOf(p.class.After)
	if class != nil || p.noted == nil || p.state == nil {
		_, problems := topology.ValidateCluster(ctx, cmp.Or(class, p.noted), before, p.cluster)
		return problemDiagnostics(problems, p.desired)
	}
	_, certain := topology.ValidateCluster(ctx, nil, before, p.cluster)
	_, problems := topology.ValidateCluster(ctx, p.noted, before, p.cluster)
	problems = slices.DeleteFunc(problems, func(problem topology.Problem) bool { return slices.Contains(certain, problem) })
	return append(problemDiagnostics(certain, p.desired), asWarnings(problemDiagnostics(problems, p.desired))...)
}

// dryRun lets the management cluster say whether it would take the Cluster,
// without giving it one, and what it would make of it. As long as the class is
// another one than planned it is not asked: it would judge by the wrong class.
func (p *planning) dryRun(ctx context.Context) diag.Diagnostics {
	applied := p.desired.DeepCopy()
	if p.abandons {
		skipVersionCheck(applied)
	}
	err := p.mgmt.Apply(ctx, applied, client.DryRunAll)
	switch {
	case tfkit.IsNotPermitted(err):
		return diag.Diagnostics{tfkit.NotTriedOut(p.plan.object(), err)}
	case topology.IsRefusal(err):
		return problemDiagnostics(topology.Problems(err), p.desired)
	case err != nil:
		return nil
	}
	cluster := &clusterv1.Cluster{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(applied.Object, cluster); err == nil {
		if p.abandons {
			delete(cluster.Annotations, clusterv1.ClusterTopologyUnsafeUpdateVersionAnnotation)
		}
		p.applied = cluster
	}
	return nil
}

func classOf(blueprint *topology.Blueprint) *clusterv1.ClusterClass {
	if blueprint == nil {
		return nil
	}
	return blueprint.Class
}

// validateClassChange refuses another class that this cluster cannot go to, and to
// change its class as it cannot follow. The class's own plan says the latter of
// all clusters, but has to reach the management cluster to know them.
func (p *planning) validateClassChange(ctx context.Context, before *clusterv1.Cluster) diag.Diagnostics {
	old, class := classOf(p.oldClass.Before), classOf(p.class.After)
	if before == nil || old == nil || class == nil {
		return nil
	}
	var problems []topology.Problem
	doing := "move to another class"
	switch {
	case before.GetClassKey() != p.cluster.GetClassKey():
		problems = topology.ValidateRebase(ctx, old, class)
	case p.mgmt == nil && p.class.Changes:
		doing = "follow the planned change of its class"
		problems = topology.ValidateClass(ctx, old, class, []clusterv1.Cluster{*p.cluster})
	}
	diags := apifields.UnknownDiagnostics(problems)
	for _, problem := range topology.Known(problems) {
		diags.AddAttributeError(classPath, "Cluster class does not fit",
			fmt.Sprintf("%s cannot %s: %s", p.plan.object(), doing, apifields.Sentence(problemText(problem))))
	}
	return diags
}

func problemText(problem topology.Problem) string {
	return strings.TrimPrefix(problem.Field+": "+problem.Message, ": ")
}

// validateVersion compares versions when not everything else is known.
func (p *planning) validateVersion(ctx context.Context) diag.Diagnostics {
	if p.state == nil || p.plan.Topology.IsUnknown() {
		return nil
	}
	planned, _ := p.plan.Topology.Attributes()["version"].(types.String)
	before, _ := p.state.Topology.Attributes()["version"].(types.String)
	if planned.IsUnknown() || before.IsNull() {
		return nil
	}
	version, diags := p.versionBefore(ctx, before.ValueString(), planned.ValueString())
	problems := topology.ValidateVersion(version, planned.ValueString(), nil) //nolint:contextcheck // Nothing is asked for.
	return append(diags, problemDiagnostics(problems, nil)...)
}

// problemDiagnostics binds problems with fields of the Cluster object to the
// attributes that the fields are made from. What is wrong with its class is the
// class's attribute's. What is not known is a warning.
func problemDiagnostics(problems []topology.Problem, object *unstructured.Unstructured) diag.Diagnostics {
	var content map[string]any
	if object != nil {
		content = object.Object
	}
	var own []topology.Problem
	var diags diag.Diagnostics
	for _, problem := range problems {
		if problem.Class && !problem.Unknown {
			diags.AddAttributeError(classPath, "Cluster class cannot be used", "In the class, "+strings.TrimSuffix(problemText(problem), ".")+".")
			continue
		}
		own = append(own, problem)
	}
	diags.Append(fields.Diagnostics("Invalid cluster", shape, content, own)...)
	return diags
}

func invalidConfiguration(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid cluster", apifields.Sentence(err.Error()))
}
