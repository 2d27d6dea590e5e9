// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

var versionPath = path.Root("topology").AtName("version")

// skipsVersionCheck says that the configuration switches off Cluster API's check of
// how a version changes, with upstream's annotation.
func (m *model) skipsVersionCheck() bool {
	_, annotated := m.Annotations.Elements()[clusterv1.ClusterTopologyUnsafeUpdateVersionAnnotation]
	return annotated
}

// versionBefore is the version from which the planned one is to be reached: that of
// the state, unless no machine has ever run it. Then it is the highest one that
// machines run, and to itself if they run none: any version will do. Who cannot be
// asked leaves it open, which is worth a warning if it matters.
func (p *planning) versionBefore(ctx context.Context, from, to string) (string, diag.Diagnostics) {
	switch {
	case from == to:
		return from, nil
	case p.plan.skipsVersionCheck():
		return to, nil
	}
	if f := p.observe(ctx); f != nil {
		newest, abandons := f.abandons(from)
		if p.abandons = abandons; !abandons {
			return from, nil
		}
		return cmp.Or(newest, to), nil
	}
	if p.state.provesVersion(from) {
		return from, nil
	}
	problems := topology.ValidateVersion(from, to, cmp.Or(classOf(p.class.After), p.noted)) //nolint:contextcheck // Nothing is asked for.
	var diags diag.Diagnostics
	for _, problem := range topology.Known(problems) {
		diags.AddAttributeWarning(versionPath, "Version may be refused", fmt.Sprintf(
			"%s: %s The management cluster does not say which versions machines run. The apply is refused unless no machine has ever run %s.",
			versionPath, apifields.Sentence(problem.Message), from))
	}
	return to, diags
}

// observe looks at the cluster, nil if it cannot.
func (p *planning) observe(ctx context.Context) *facts {
	if p.mgmt == nil {
		return nil
	}
	f, err := observe(ctx, p.mgmt, p.plan.key())
	if err != nil {
		return nil
	}
	return f
}

// abandons says that no machine has ever run a version, so that it can be given up
// for another one, and which is the highest that machines run. If the control plane
// was initialised by machines that are gone, the version counts as run.
func (f *facts) abandons(version string) (newest string, abandons bool) {
	ran := f.ran()
	if slices.Contains(ran, version) || len(f.controlPlaneRan()) == 0 && isInitialized(f.cluster) {
		return "", false
	}
	return highest(ran), true
}

// ran are the versions that machines of the cluster run or have run, oldest first.
func (f *facts) ran() []string {
	versions := append(f.ranBy(func(*clusterv1.Machine) bool { return true }), f.controlPlaneRan()...)
	for i := range f.machinePools {
		if pool := &f.machinePools[i]; len(pool.Status.NodeRefs) > 0 {
			versions = append(versions, pool.Spec.Template.Spec.Version)
		}
	}
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(versions)
}

// ranBy are the versions of those machines that have or had a node, oldest first.
func (f *facts) ranBy(belongs func(*clusterv1.Machine) bool) []string {
	var versions []string
	for i := range f.machines {
		if machine := &f.machines[i]; belongs(machine) && hasRun(machine) {
			versions = append(versions, machine.Spec.Version)
		}
	}
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(versions)
}

// controlPlaneRan are the versions that the control plane runs or has run. One
// without Machines says itself which.
func (f *facts) controlPlaneRan() []string {
	if f.controlPlane == nil || slices.ContainsFunc(f.machines, func(m clusterv1.Machine) bool { return isControlPlane(&m) }) {
		return f.ranBy(isControlPlane)
	}
	return slices.DeleteFunc(controlPlaneVersions(f.controlPlane), func(v string) bool { return v == "" })
}

// highest is the last of versions in order, empty if there are none.
func highest(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1]
}

func hasRun(machine *clusterv1.Machine) bool {
	return machine.Status.NodeRef.IsDefined() || machine.Status.NodeInfo != nil
}

// provesVersion says that, as far as is known, machines run the version.
func (m *model) provesVersion(version string) bool {
	running, _ := m.Replicas.Attributes()["control_plane"].(types.Int64)
	return m.Ready.ValueBool() ||
		m.KubernetesVersions.Equal(stringList([]string{version})) && running.ValueInt64() > 0
}
