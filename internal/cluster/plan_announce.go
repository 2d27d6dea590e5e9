// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// announce plans the attributes that say what rolls. A new cluster has nothing
// that could, and a plan without changes keeps what the last change was. A
// cluster that rolls because its class changes is updated for that: so the plan
// shows it, and the apply waits for it.
func (p *planning) announce(ctx context.Context) diag.Diagnostics {
	switch {
	case p.state == nil:
		p.plan.setForecast(nil)
		return p.renderable(ctx)
	case !p.changes && (!p.class.Changes || p.isElsewhere(ctx)):
		return nil
	case p.settingsOnly():
		p.plan.setForecast(&forecast{})
		p.keepStatus()
		return nil
	}
	f, diags := p.forecast(ctx)
	switch {
	case diags.HasError(), f != nil && !p.changes && len(f.rolls) == 0:
		return diags
	case f == nil:
		p.plan.forgetForecast()
	default:
		p.plan.setForecast(f)
	}
	switch {
	case f != nil && f.quiet:
		p.keepStatus()
	case !p.changes:
		p.plan.forgetStatus()
	}
	return diags
}

// isElsewhere says that the management cluster does not have the Cluster of the
// state. A change of the class there does nothing to it.
func (p *planning) isElsewhere(ctx context.Context) bool {
	_, err := p.live(ctx)
	return management.IsAbsent(err)
}

// renderable refuses a new cluster that Cluster API could not make objects for,
// such as one for which a patch of its class does not apply.
func (p *planning) renderable(ctx context.Context) diag.Diagnostics {
	if p.desired == nil || p.class.After == nil {
		return nil
	}
	rendered, problems := topology.Render(ctx, *p.class.After, p.cluster, nil)
	problems = append(problems, classes.CheckPatched(ctx, p.mgmt, rendered)...)
	return append(p.checkRendered(ctx, rendered), problemDiagnostics(problems, p.desired)...)
}

// keepStatus plans what is known of the machines to stay as it is: nothing happens
// to them. It may flicker all the same, which an apply leaves to the next refresh.
func (p *planning) keepStatus() {
	if p.state.Ready.ValueBool() {
		p.plan.keepMachineStatus(*p.state)
	}
}

// settingsOnly says that nothing changes that Cluster API would see.
func (p *planning) settingsOnly() bool {
	if !p.changes || p.class.Changes {
		return false
	}
	before := p.state.attributes()
	for name, value := range p.plan.attributes() {
		if !value.Equal(before[name]) {
			return false
		}
	}
	return true
}

// forecast renders the topology as it is and as it will be, and compares. It is
// nil if not all that takes is known, which is worth a warning only if Cluster
// API's code is to blame.
func (p *planning) forecast(ctx context.Context) (*forecast, diag.Diagnostics) {
	if p.desired == nil || p.oldClass.Before == nil || p.class.After == nil {
		return nil, nil
	}
	before := p.current(ctx)
	if before == nil {
		return nil, nil
	}
	old, problems := topology.Render(ctx, *p.oldClass.Before, before, nil)
	if old == nil || len(problems) > 0 {
		return nil, apifields.UnknownDiagnostics(problems)
	}
	after := p.wanted(old.Cluster)
	rendered, problems := topology.Render(ctx, *p.class.After, after, old)
	if problems = append(problems, classes.CheckPatched(ctx, p.mgmt, rendered)...); len(problems) > 0 {
		return nil, problemDiagnostics(problems, p.desired)
	}
	diags := p.checkRendered(ctx, rendered)
	if rendered == nil || diags.HasError() {
		return nil, diags
	}
	rolls, problems := topology.Compare(old, rendered)
	upgrade, more := topology.NewUpgrade(old.Cluster, rendered.Cluster, p.class.After.Class, rolls) //nolint:contextcheck // Nothing is asked for.
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, append(diags, apifields.UnknownDiagnostics(problems)...)
	}
	return &forecast{rolls: rolls, upgrade: upgrade, quiet: sameMachines(old, rendered, rolls)}, diags
}

// sameMachines says that the cluster keeps all its machines, and gets no new ones.
func sameMachines(before, after *topology.Rendering, rolls []topology.Roll) bool {
	return len(rolls) == 0 && ptr.Equal(before.Cluster.Spec.Paused, after.Cluster.Spec.Paused) &&
		len(topology.Created(before, after)) == 0 && len(topology.Deleted(before, after)) == 0 &&
		equality.Semantic.DeepEqual(topology.Untouched(before, after, nil), topology.Untouched(after, before, nil))
}

// current is the Cluster as it is now: in the management cluster, or if that
// does not answer in the state. Variables that its class does not define any
// more in the meantime of an apply are left out.
func (p *planning) current(ctx context.Context) *clusterv1.Cluster {
	if found, _ := p.live(ctx); found != nil {
		now := found.DeepCopy()
		now.Spec.Topology.Variables = definedIn(now.Spec.Topology.Variables, p.oldClass.Before.Class)
		return now
	}
	return p.before
}

// wanted is the Cluster after the apply: what the management cluster answered to
// the dry run. If it was not asked, the variables stay that were defaulted once:
// Cluster API writes defaults into the Cluster.
func (p *planning) wanted(before *clusterv1.Cluster) *clusterv1.Cluster {
	switch {
	case !p.changes:
		return before
	case p.applied != nil:
		return p.applied
	}
	after := p.cluster.DeepCopy()
	declared := names(after.Spec.Topology.Variables)
	if p.before != nil {
		declared = append(declared, names(p.before.Spec.Topology.Variables)...)
	}
	for _, variable := range definedIn(before.Spec.Topology.Variables, p.class.After.Class) {
		if !slices.Contains(declared, variable.Name) {
			after.Spec.Topology.Variables = append(after.Spec.Topology.Variables, variable)
		}
	}
	return after
}

func names(variables []clusterv1.ClusterVariable) []string {
	list := make([]string, len(variables))
	for i, variable := range variables {
		list[i] = variable.Name
	}
	return list
}

// definedIn are those of the variables that the class defines.
func definedIn(variables []clusterv1.ClusterVariable, class *clusterv1.ClusterClass) []clusterv1.ClusterVariable {
	return slices.DeleteFunc(slices.Clone(variables), func(v clusterv1.ClusterVariable) bool {
		return !slices.ContainsFunc(class.Status.Variables, func(defined clusterv1.ClusterClassStatusVariable) bool {
			return defined.Name == v.Name
		})
	})
}
