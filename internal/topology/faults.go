// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/admission"
)

// Fault is what is wrong about an object that Cluster API makes of a template and the
// patches of its class.
type Fault struct {
	// Object is a copy of the object.
	Object *unstructured.Unstructured
	// Schema says that an API server refuses the object for it.
	Schema bool
	// part is the object's number among the parts that differ.
	part int
	// field is one of the object; message has no value of a variable in it.
	field, message string
}

// Faults returns what is wrong about the objects of the rendering by the rules of their
// kinds, of those that are bundled, and what templates of patches found no value for; but
// not of a cluster that lives with that already. Unknown problems say what is not known about that. Objects that are alike have their
// faults once.
func (r *Rendering) Faults(ctx context.Context) (faults []Fault, unknown []Problem) {
	lived := map[string]bool{}
	if r.before != nil {
		for _, part := range r.before.parts(false) {
			for _, field := range noValues(nil, "spec", part.object.Object["spec"]) {
				lived[part.object.GetKind()+field] = true
			}
		}
	}
	for i, part := range r.parts(false) {
		found, problems := part.faults(ctx)
		unknown = append(unknown, problems...)
		for _, fault := range found {
			if fault.part = i; fault.Schema || !lived[fault.Object.GetKind()+fault.field] {
				faults = append(faults, fault)
			}
		}
	}
	return faults, unknown
}

func (p part) faults(ctx context.Context) (faults []Fault, unknown []Problem) {
	object := p.copy()
	empty := noValues(nil, "spec", object.Object["spec"])
	for _, field := range empty {
		faults = append(faults, Fault{Object: object, field: field, message: "its template has no value for what it prints"})
	}
	problems := validateFields(ctx, asAdmitted(ctx, object), withoutValues)
	for _, problem := range Known(problems) {
		if !slices.Contains(empty, problem.Field) {
			faults = append(faults, Fault{Object: object, Schema: true, field: problem.Field, message: problem.Message})
		}
	}
	return faults, Unknown(problems)
}

// asAdmitted returns a control plane of kubeadm as its webhook completes it before an
// API server validates it. No other kind's webhook fills in what a schema requires.
func asAdmitted(ctx context.Context, object *unstructured.Unstructured) *unstructured.Unstructured {
	if object.GroupVersionKind() != kubeadmControlPlaneKind {
		return object
	}
	typed, ok := kubeadmControlPlane(object)
	if !ok {
		return object
	}
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil || (&admission.KubeadmControlPlane{}).Default(ctx, typed) != nil {
		return object
	}
	full, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return object
	}
	object = object.DeepCopy()
	addNew(object.Object, plain, full)
	return object
}

// noValue is what text/template prints of a value that there is not.
const noValue = "<no value>"

// noValues returns the paths of texts in which a template printed that there is no value.
func noValues(paths []string, path string, value any) []string {
	switch value := value.(type) {
	case string:
		if strings.Contains(value, noValue) {
			return append(paths, path)
		}
	case []any:
		for i, item := range value {
			paths = noValues(paths, fmt.Sprintf("%s[%d]", path, i), item)
		}
	case map[string]any:
		for key, child := range value {
			paths = noValues(paths, join(path, key), child)
		}
	}
	slices.Sort(paths)
	return paths
}

// Explain returns the faults as problems that name the patches of the class that make
// them. For that it renders the cluster with fewer of the patches. Of a sample, only
// faults that every cluster of the class has are problems.
func (r *Rendering) Explain(ctx context.Context, faults []Fault) (problems []Problem) {
	defer guardProblems(topologyGenerator, &problems)
	renderings := map[int]*Rendering{len(r.blueprint.Class.Spec.Patches): r}
	for _, fault := range faults {
		if problem, certain := r.explain(ctx, fault, renderings); certain && !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	return problems
}

// explain is given the renderings with the first patches that there are, by their
// number, and adds to them.
func (r *Rendering) explain(ctx context.Context, fault Fault, renderings map[int]*Rendering) (_ Problem, certain bool) {
	class, part := r.blueprint.Class, r.parts(false)[fault.part]
	patches := class.Spec.Patches
	first := sort.Search(len(patches), func(n int) bool {
		rendering, found := renderings[n]
		if !found {
			rendering = r.withPatches(ctx, n)
			renderings[n] = rendering
		}
		return rendering == nil || rendering.has(ctx, fault)
	})
	if first == 0 && part.field == controlPlaneTemplate && !r.isInControlPlaneTemplate(fault.field) {
		return Problem{Field: "spec.topology.controlPlane", Message: fmt.Sprintf(
			"the %s (%s) that comes of it is invalid: %s: %s", part, part.object.GetAPIVersion(), fault.field, fault.message)}, !r.sample
	}
	if first == 0 {
		return Problem{Class: true, Field: part.field, Message: fmt.Sprintf(
				"the %s that comes of it is invalid: %s: %s", part, fault.field, fault.message)},
			fault.Schema && (!r.sample || !slices.ContainsFunc(patches, dependsOnVariables))
	}
	patch := patches[first-1]
	problem := Problem{Class: true, Field: fmt.Sprintf("spec.patches[%d]", first-1), Message: fmt.Sprintf(
		"patch %q makes an invalid %s: %s: %s", patch.Name, part, fault.field, fault.message)}
	if fault.Schema {
		return problem, !r.sample || strings.HasPrefix(fault.message, noSuchField) || !dependsOnVariables(patch)
	}
	if missing := r.valuesMissing(class, patch.Name, part); len(missing) > 0 {
		problem = Problem{Field: "spec.topology.variables", Message: fmt.Sprintf(
			"no value is set for %s, and there is no default; patch %q of the class prints it into %s of the %s",
			strings.Join(missing, ", "), patch.Name, fault.field, part)}
	}
	return problem, !r.sample
}

// isInControlPlaneTemplate says whether a field of the control plane comes of the class's
// template. Those that do not are the Cluster's, which Cluster API sets in the control
// plane whatever version of its API that is of.
func (r *Rendering) isInControlPlaneTemplate(field string) bool {
	template := (&resolver{templates: r.blueprint.Templates}).find(controlPlaneTemplate, r.blueprint.Class.Spec.ControlPlane.TemplateRef)
	return template != nil && lookup(template.Object, append([]string{"spec", "template"}, fieldSteps(field)...)) != nil
}

// valuesMissing are the variables that the templates of a patch print for an object, and
// that have no value.
func (r *Rendering) valuesMissing(class *clusterv1.ClusterClass, patch string, part part) []string {
	uses := slices.DeleteFunc(usesOfVariables(class), func(use variableUse) bool { return use.patch != patch || !use.printed })
	var names []string
	for _, use := range withoutValue(r.Cluster, part.overrides, uses) {
		if name := dotted(use.path); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// withPatches renders the cluster with the first patches of its class, nil if that
// makes nothing.
func (r *Rendering) withPatches(ctx context.Context, n int) *Rendering {
	blueprint := Blueprint{Class: r.blueprint.Class.DeepCopy(), Templates: r.blueprint.Templates}
	blueprint.Class.Spec.Patches = blueprint.Class.Spec.Patches[:n]
	rendering, _ := render(ctx, blueprint, r.Cluster, nil)
	if rendering != nil {
		// So that the parts have the same numbers.
		rendering.like = r.like
	}
	return rendering
}

func (r *Rendering) has(ctx context.Context, fault Fault) bool {
	faults, _ := r.parts(false)[fault.part].faults(ctx)
	return slices.ContainsFunc(faults, func(f Fault) bool { return f.field == fault.field && f.message == fault.message })
}
