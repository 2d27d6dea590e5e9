// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"

	"github.com/blang/semver/v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
)

// Versions are the Kubernetes versions of the machines, oldest first. Control
// planes without machines say their own.
func (f *Facts) Versions() []string {
	var versions []string
	for _, machine := range f.Machines {
		versions = append(versions, machine.Spec.Version)
	}
	if f.ControlPlane != nil && len(versions) == 0 {
		versions = append(versions, controlPlaneVersions(f.ControlPlane)...)
	}
	versions = slices.DeleteFunc(versions, func(v string) bool { return v == "" })
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(versions)
}

// controlPlaneVersions are what the control plane says itself: in a list, or in
// the field that the list replaces.
func controlPlaneVersions(controlPlane *unstructured.Unstructured) []string {
	version, _, _ := unstructured.NestedString(controlPlane.Object, "status", "version")
	list, found, _ := unstructured.NestedSlice(controlPlane.Object, "status", "versions")
	if !found {
		return []string{version}
	}
	var versions []string
	for _, item := range list {
		fields, _ := item.(map[string]any)
		version, _ := fields["version"].(string)
		versions = append(versions, version)
	}
	return versions
}

func compareVersions(a, b string) int {
	x, errX := semver.ParseTolerant(a)
	y, errY := semver.ParseTolerant(b)
	if errX != nil || errY != nil || x.EQ(y) {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}

// Abandons says that no machine has ever run a version, so that it can be given up
// for another one, and which is the highest that machines run. If the control plane
// was initialised by machines that are gone, the version counts as run.
func (f *Facts) Abandons(version string) (newest string, abandons bool) {
	ran := f.ran()
	if slices.Contains(ran, version) || len(f.controlPlaneRan()) == 0 && IsInitialized(f.Cluster) {
		return "", false
	}
	return highest(ran), true
}

// ran are the versions that machines of the cluster run or have run, oldest first.
func (f *Facts) ran() []string {
	versions := append(f.ranBy(func(*clusterv1.Machine) bool { return true }), f.controlPlaneRan()...)
	for i := range f.MachinePools {
		if pool := &f.MachinePools[i]; len(pool.Status.NodeRefs) > 0 {
			versions = append(versions, pool.Spec.Template.Spec.Version)
		}
	}
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(versions)
}

// ranBy are the versions of those machines that have or had a node, oldest first.
func (f *Facts) ranBy(belongs func(*clusterv1.Machine) bool) []string {
	var versions []string
	for i := range f.Machines {
		if machine := &f.Machines[i]; belongs(machine) && hasRun(machine) {
			versions = append(versions, machine.Spec.Version)
		}
	}
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(versions)
}

// controlPlaneRan are the versions that the control plane runs or has run. One
// without Machines says itself which.
func (f *Facts) controlPlaneRan() []string {
	if f.ControlPlane == nil || slices.ContainsFunc(f.Machines, func(m clusterv1.Machine) bool { return util.IsControlPlaneMachine(&m) }) {
		return f.ranBy(util.IsControlPlaneMachine)
	}
	return slices.DeleteFunc(controlPlaneVersions(f.ControlPlane), func(v string) bool { return v == "" })
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
