// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The parts that templates play in a class.
const (
	roleInfrastructure      = "infrastructure"
	roleControlPlane        = "control-plane"
	roleControlPlaneMachine = "control-plane-machine"
	roleControlPlaneRemedy  = "control-plane-remediation"
)

// workerRemedy is the part of a worker class's remediation template.
const workerRemedy = "remediation"

// workerRoleSeparator stands between the name of a worker class and the part that
// the template plays in it. No name has one.
const workerRoleSeparator = "/"

// workerSets are the lists of worker classes. A machine deployment class and a
// machine pool class may have the same name, but their roles differ.
var workerSets = []struct {
	field, attribute string
	// roles are by the field and attribute that has the template.
	roles map[string]string
}{
	{"machineDeployments", "machine_deployments", map[string]string{"bootstrap": "bootstrap", "infrastructure": "machine"}},
	{"machinePools", "machine_pools", map[string]string{"bootstrap": "pool-bootstrap", "infrastructure": "pool-machines"}},
}

// holders returns the objects inside a ClusterClass that have a templateRef, by
// the role of the template.
func holders(class map[string]any) map[string]map[string]any {
	found := map[string]map[string]any{}
	add := func(role string, path ...string) {
		if holder, ok, _ := unstructured.NestedFieldNoCopy(class, path...); ok {
			if fields, ok := holder.(map[string]any); ok && fields["templateRef"] != nil {
				found[role] = fields
			}
		}
	}
	add(roleInfrastructure, "spec", "infrastructure")
	add(roleControlPlane, "spec", "controlPlane")
	add(roleControlPlaneMachine, "spec", "controlPlane", "machineInfrastructure")
	for _, set := range workerSets {
		value, _, _ := unstructured.NestedFieldNoCopy(class, "spec", "workers", set.field)
		list, _ := value.([]any)
		for _, item := range list {
			fields, _ := item.(map[string]any)
			for part, role := range set.roles {
				if holder, ok := fields[part].(map[string]any); ok && holder["templateRef"] != nil {
					found[fmt.Sprint(fields["class"], workerRoleSeparator, role)] = holder
				}
			}
		}
	}
	return found
}

// remediations returns the remediations of the health checks of a class, by the
// role of their template. A templateRef refers to a template, which may be
// anybody's; one that belongs to the class has its content in template, as long as
// it is not rendered. Cluster API does not copy it for clusters as it does with
// other templates: MachineHealthChecks refer to it.
func remediations(class map[string]any) map[string]map[string]any {
	found := map[string]map[string]any{}
	add := func(role string, owner map[string]any) {
		if remediation, ok, _ := unstructured.NestedFieldNoCopy(owner, "healthCheck", "remediation"); ok {
			fields, _ := remediation.(map[string]any)
			if fields["templateRef"] != nil || fields["template"] != nil {
				found[role] = fields
			}
		}
	}
	controlPlane, _, _ := unstructured.NestedFieldNoCopy(class, "spec", "controlPlane")
	fields, _ := controlPlane.(map[string]any)
	add(roleControlPlaneRemedy, fields)
	value, _, _ := unstructured.NestedFieldNoCopy(class, "spec", "workers", "machineDeployments")
	list, _ := value.([]any)
	for _, item := range list {
		fields, _ := item.(map[string]any)
		add(fmt.Sprint(fields["class"], workerRoleSeparator, workerRemedy), fields)
	}
	return found
}

// references returns the references of a class to templates, by role.
func references(class map[string]any) map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, by := range []map[string]map[string]any{holders(class), remediations(class)} {
		for role, holder := range by {
			if ref, ok := holder["templateRef"].(map[string]any); ok {
				found[role] = ref
			}
		}
	}
	return found
}

// nameOf is a role as a part of an object's name. Roles that become the same part
// do no harm: then names differ by their hash, or the templates do not at all.
func nameOf(role string) string {
	return strings.ToLower(strings.NewReplacer(workerRoleSeparator, "-", "_", "-").Replace(role))
}

// inWords is a role in a sentence.
func inWords(role string) string {
	switch role {
	case roleInfrastructure:
		return "the infrastructure"
	case roleControlPlane:
		return "the control plane"
	case roleControlPlaneMachine:
		return "the machines of the control plane"
	case roleControlPlaneRemedy:
		return "the remediation of the control plane"
	}
	class, part, _ := strings.Cut(role, workerRoleSeparator)
	what := map[string]string{
		"bootstrap": "the bootstrap", "machine": "the machines", workerRemedy: "the remediation",
		"pool-bootstrap": "the bootstrap of the pools", "pool-machines": "the pools",
	}[part]
	return fmt.Sprintf("%s of the worker class %q", what, class)
}
