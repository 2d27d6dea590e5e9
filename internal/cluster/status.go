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
func (f *facts) status() map[string]attr.Value {
	return map[string]attr.Value{
		"endpoint":            endpoint(f.cluster.Spec.ControlPlaneEndpoint),
		"phase":               types.StringValue(string(f.cluster.Status.GetTypedPhase())),
		"ready":               types.BoolValue(f.pending() == ""),
		"kubernetes_versions": stringList(f.versions()),
		"conditions":          tfkit.Conditions(f.cluster.Status.Conditions),
		"machines":            f.machineValues(),
		"replicas":            f.replicaValues(),
	}
}

// wrongLines is how much of what is wrong a refresh shows.
const wrongLines = 12

// notAsDeclared warns of a cluster that is not what an apply would have waited for:
// a plan without changes says that the configuration is carried out, not that the
// cluster is well. An apply changes nothing about that, and is not planned.
func (m *model) notAsDeclared(f *facts) diag.Diagnostics {
	w := wait{until: levelOf(m.WaitFor.ValueString())}
	if !m.waits() || isPaused(f.cluster) || !f.cluster.DeletionTimestamp.IsZero() || w.pending(f) == "" {
		return nil
	}
	lines := strings.Split(f.tree(w), "\n")
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

func (f *facts) machineValues() types.Map {
	t := elementType(statusTypes["machines"])
	values := map[string]attr.Value{}
	for i := range f.machines {
		machine := &f.machines[i]
		role := roleWorker
		if isControlPlane(machine) {
			role = roleControlPlane
		}
		values[machine.Name] = types.ObjectValueMust(t.AttrTypes, map[string]attr.Value{
			"version":     types.StringValue(machine.Spec.Version),
			"role":        types.StringValue(role),
			"machine_set": nonEmpty(machineSet(machine)),
			"node":        nonEmpty(machine.Status.NodeRef.Name),
			"phase":       types.StringValue(machine.Status.Phase),
			"ready":       types.BoolValue(meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineReadyCondition)),
		})
	}
	return types.MapValueMust(t, values)
}

func isControlPlane(machine *clusterv1.Machine) bool {
	_, ok := machine.Labels[clusterv1.MachineControlPlaneLabel]
	return ok
}

// machineSet is the name that the topology has for the set of a worker.
func machineSet(machine *clusterv1.Machine) string {
	if name := machine.Labels[clusterv1.ClusterTopologyMachineDeploymentNameLabel]; name != "" {
		return name
	}
	return machine.Labels[clusterv1.ClusterTopologyMachinePoolNameLabel]
}

func (f *facts) replicaValues() types.Object {
	t := objectType("replicas")
	values := map[string]attr.Value{"control_plane": types.ObjectNull(replicasType().AttrTypes)}
	if f.controlPlane != nil {
		values["control_plane"] = countsOfControlPlane(f.controlPlane).value()
	}
	byKind := map[string]map[string]attr.Value{kindMachineDeployment: {}, kindMachinePool: {}}
	for _, set := range f.workerSets() {
		byKind[set.kind][cmp.Or(set.name, set.object.GetName())] = set.counts.value()
	}
	values["machine_deployments"] = types.MapValueMust(replicasType(), byKind[kindMachineDeployment])
	values["machine_pools"] = types.MapValueMust(replicasType(), byKind[kindMachinePool])
	return types.ObjectValueMust(t.AttrTypes, values)
}

func (c counts) value() types.Object {
	return types.ObjectValueMust(replicasType().AttrTypes, map[string]attr.Value{
		"desired":    types.Int64PointerValue(c.desired),
		"replicas":   types.Int64PointerValue(c.replicas),
		"ready":      types.Int64PointerValue(c.ready),
		"available":  types.Int64PointerValue(c.available),
		"up_to_date": types.Int64PointerValue(c.upToDate),
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
