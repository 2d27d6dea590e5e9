// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/api/meta"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// statusTypes are the types of statusAttributes.
var statusTypes = func() map[string]attr.Type {
	statusTypes := map[string]attr.Type{}
	for name, attribute := range statusAttributes() {
		statusTypes[name] = attribute.GetType()
	}
	return statusTypes
}()

// status returns the values of statusAttributes, by name.
func status(f *live.Facts) map[string]attr.Value {
	return map[string]attr.Value{
		"endpoint":            endpoint(f.Cluster.Spec.ControlPlaneEndpoint),
		"phase":               types.StringValue(string(f.Cluster.Status.GetTypedPhase())),
		"ready":               types.BoolValue(f.Pending() == ""),
		"kubernetes_versions": stringList(f.Versions()),
		"conditions":          tfkit.Conditions(f.Cluster.Status.Conditions),
		"machines":            machineValues(f),
		"replicas":            replicaValues(f),
	}
}

// wrongLines is how much of what is wrong a refresh shows.
const wrongLines = 12

// notAsDeclared warns of a cluster that is not what an apply would have waited for:
// a plan without changes says that the configuration is carried out, not that the
// cluster is well. An apply changes nothing about that, and is not planned.
func (m *model) notAsDeclared(f *live.Facts) diag.Diagnostics {
	w := live.Goal{Until: live.LevelOf(m.WaitFor.ValueString())}
	if !m.waits() || live.IsPaused(f.Cluster) || !f.Cluster.DeletionTimestamp.IsZero() || w.Pending(f) == "" {
		return nil
	}
	lines := strings.Split(f.Tree(w), "\n")
	if more := len(lines) - wrongLines; more > 0 {
		lines = append(lines[:wrongLines], fmt.Sprintf("... %d more lines", more))
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Cluster is not as declared", fmt.Sprintf(
		"%s exists as configured, but is not as it should be now:\n\n%s", m.object(), strings.Join(lines, "\n")))}
}

func endpoint(e clusterv1.APIEndpoint) types.Object {
	t := objectType("endpoint")
	if !e.IsValid() {
		return types.ObjectNull(t.AttrTypes)
	}
	return types.ObjectValueMust(t.AttrTypes, map[string]attr.Value{
		"host": types.StringValue(e.Host),
		"port": types.Int64Value(int64(e.Port)),
	})
}

func machineValues(f *live.Facts) types.Map {
	t := elementType(statusTypes["machines"])
	values := map[string]attr.Value{}
	for i := range f.Machines {
		machine := &f.Machines[i]
		role := roleWorker
		if util.IsControlPlaneMachine(machine) {
			role = roleControlPlane
		}
		values[machine.Name] = types.ObjectValueMust(t.AttrTypes, map[string]attr.Value{
			"version":     types.StringValue(machine.Spec.Version),
			"role":        types.StringValue(role),
			"machine_set": nonEmpty(live.SetName(machine)),
			"node":        nonEmpty(machine.Status.NodeRef.Name),
			"phase":       types.StringValue(machine.Status.Phase),
			"ready":       types.BoolValue(meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineReadyCondition)),
		})
	}
	return types.MapValueMust(t, values)
}

func replicaValues(f *live.Facts) types.Object {
	t := objectType("replicas")
	values := map[string]attr.Value{"control_plane": types.ObjectNull(replicasType().AttrTypes)}
	if f.ControlPlane != nil {
		values["control_plane"] = countsValue(live.CountsOfControlPlane(f.ControlPlane))
	}
	byKind := map[string]map[string]attr.Value{live.KindMachineDeployment: {}, live.KindMachinePool: {}}
	for _, set := range f.WorkerSets() {
		byKind[set.Kind][cmp.Or(set.Name, set.Object.GetName())] = countsValue(set.Counts)
	}
	values["machine_deployments"] = types.MapValueMust(replicasType(), byKind[live.KindMachineDeployment])
	values["machine_pools"] = types.MapValueMust(replicasType(), byKind[live.KindMachinePool])
	return types.ObjectValueMust(t.AttrTypes, values)
}

func countsValue(c live.Counts) types.Object {
	return types.ObjectValueMust(replicasType().AttrTypes, map[string]attr.Value{
		"desired":    types.Int64PointerValue(c.Desired),
		"replicas":   types.Int64PointerValue(c.Replicas),
		"ready":      types.Int64PointerValue(c.Ready),
		"available":  types.Int64PointerValue(c.Available),
		"up_to_date": types.Int64PointerValue(c.UpToDate),
	})
}

func replicasType() types.ObjectType {
	t, _ := objectType("replicas").AttrTypes["control_plane"].(types.ObjectType)
	return t
}

func objectType(attribute string) types.ObjectType {
	t, _ := statusTypes[attribute].(types.ObjectType)
	return t
}

func elementType(t attr.Type) types.ObjectType {
	m, _ := t.(types.MapType)
	element, _ := m.ElemType.(types.ObjectType)
	return element
}

func nonEmpty(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}
