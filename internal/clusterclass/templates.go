// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// classLabel on a template object has the name of the class that it was made for.
const classLabel = "terraform-capi.io/cluster-class"

// The parts that templates play in a class.
const (
	roleInfrastructure      = "infrastructure"
	roleControlPlane        = "control-plane"
	roleControlPlaneMachine = "control-plane-machine"
)

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

// rendered is a class as objects.
type rendered struct {
	class *unstructured.Unstructured
	// templates are by role.
	templates map[string]*unstructured.Unstructured
	// fromManifest says which attribute is to blame for problems.
	fromManifest bool
}

func (r *rendered) names() map[string]string {
	byRole := map[string]string{}
	for role, template := range r.templates {
		byRole[role] = template.GetName()
	}
	return byRole
}

// blueprint is the class with its templates as Cluster API's own code works with
// them.
func (r *rendered) blueprint() (topology.Blueprint, error) {
	class, err := typed(r.class)
	if err != nil {
		return topology.Blueprint{}, err
	}
	return topology.Blueprint{Class: class, Templates: slices.Collect(maps.Values(r.templates))}, nil
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

// render moves the content of templates out of their references into objects,
// whose names the references get instead.
func render(class *unstructured.Unstructured) (*rendered, error) {
	r := &rendered{class: class, templates: map[string]*unstructured.Unstructured{}}
	for role, holder := range holders(class.Object) {
		ref, _ := holder["templateRef"].(map[string]any)
		template := templateObject(ref)
		name, err := topology.TemplateName(class.GetName(), nameOf(role), template.Object)
		if err != nil {
			return nil, err
		}
		template.SetName(name)
		template.SetNamespace(class.GetNamespace())
		labels := template.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[classLabel] = class.GetName()
		template.SetLabels(labels)
		holder["templateRef"] = map[string]any{"apiVersion": ref["apiVersion"], "kind": ref["kind"], "name": name}
		r.templates[role] = template
	}
	return r, nil
}

// rename gives templates other names, by role.
func (r *rendered) rename(names map[string]string) {
	holders := holders(r.class.Object)
	for role, name := range names {
		template, holder := r.templates[role], holders[role]
		if template == nil || holder == nil {
			continue
		}
		template.SetName(name)
		ref, _ := holder["templateRef"].(map[string]any)
		ref["name"] = name
	}
}

// kept are the names of the templates that stay as a state has them. Templates
// that somebody else made have other names than the ones that they would be given
// here, and need no new ones as long as their content is the same.
func (r *rendered) kept(state *model) map[string]string {
	before, err := state.ToAPI()
	if err != nil {
		return nil
	}
	names := map[string]string{}
	for role, name := range state.templateNames() {
		old, updated := before.templates[role], r.templates[role]
		if old != nil && updated != nil && old.GetName() == updated.GetName() {
			names[role] = name
		}
	}
	return names
}

// templateObject is the template whose content stands in a reference. It has no
// name yet.
func templateObject(ref map[string]any) *unstructured.Unstructured {
	pick := func(object map[string]any, parts ...string) {
		for _, part := range parts {
			if ref[part] != nil {
				object[part] = ref[part]
			}
		}
	}
	object, metadata, spec, template := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	pick(object, "apiVersion", "kind")
	pick(metadata, "labels", "annotations")
	pick(template, "metadata", "spec")
	if extra, ok := ref["extraSpec"].(map[string]any); ok {
		maps.Copy(spec, extra)
	}
	// A template may have nothing in it, and nowhere to put it.
	if len(template) > 0 {
		spec["template"] = template
	}
	for name, part := range map[string]map[string]any{"metadata": metadata, "spec": spec} {
		if len(part) > 0 {
			object[name] = part
		}
	}
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(object)}
}

// nameOf is a role as a part of an object's name. Roles that become the same part
// do no harm: then names differ by their hash, or the templates do not at all.
func nameOf(role string) string {
	return strings.ToLower(strings.NewReplacer(workerRoleSeparator, "-", "_", "-").Replace(role))
}

// references are the names of the templates that a class refers to, by role.
func references(class *clusterv1.ClusterClass) map[string]string {
	byRole := map[string]string{}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(class)
	if err != nil {
		return byRole
	}
	for role, holder := range holders(content) {
		if name, ok, _ := unstructured.NestedString(holder, "templateRef", "name"); ok && name != "" {
			byRole[role] = name
		}
	}
	return byRole
}

// expand is the reverse of render: it reads the templates that content, which is
// a live class or a part of one, refers to, and puts what they contain into the
// references. A template that is missing leaves its reference without content. Of
// a class that is being imported only what a configuration would declare counts.
func expand(ctx context.Context, mgmt *management.Cluster, namespace string, content map[string]any, imported bool) error {
	for _, holder := range holders(content) {
		ref, _ := holder["templateRef"].(map[string]any)
		template := &unstructured.Unstructured{}
		template.SetAPIVersion(fmt.Sprint(ref["apiVersion"]))
		template.SetKind(fmt.Sprint(ref["kind"]))
		err := mgmt.Get(ctx, client.ObjectKey{Namespace: namespace, Name: fmt.Sprint(ref["name"])}, template)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		object := template.Object
		if imported {
			if object, err = topology.Importable(template, management.FieldManager); err != nil {
				return err
			}
		}
		collapse(ref, object)
	}
	return nil
}

// collapse puts the content of a template into the reference to it.
func collapse(ref, template map[string]any) {
	metadata, _, _ := unstructured.NestedMap(template, "metadata")
	for _, part := range []string{"labels", "annotations"} {
		if metadata[part] != nil {
			ref[part] = metadata[part]
		}
	}
	spec, _, _ := unstructured.NestedMap(template, "spec")
	content, _ := spec["template"].(map[string]any)
	for _, part := range []string{"metadata", "spec"} {
		if content[part] != nil {
			ref[part] = content[part]
		}
	}
	if extra := without(spec, "template"); len(extra) > 0 {
		ref["extraSpec"] = extra
	}
}

// kinds are the kinds of the templates that classes refer to.
func kinds(classes ...*unstructured.Unstructured) []schema.GroupVersionKind {
	found := map[schema.GroupVersionKind]bool{}
	for _, class := range classes {
		if class == nil {
			continue
		}
		for _, holder := range holders(class.Object) {
			apiVersion, _, _ := unstructured.NestedString(holder, "templateRef", "apiVersion")
			kind, _, _ := unstructured.NestedString(holder, "templateRef", "kind")
			found[schema.FromAPIVersionAndKind(apiVersion, kind)] = true
		}
	}
	return slices.Collect(maps.Keys(found))
}

// deleteClass deletes a class, and the templates that were made for it: the
// management cluster would do that, too, but later.
func deleteClass(ctx context.Context, mgmt *management.Cluster, class *unstructured.Unstructured) error {
	uid := class.GetUID()
	if err := mgmt.Delete(ctx, class, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return err
	}
	return removeUnused(ctx, mgmt, class, kinds(class))
}

// removeUnused deletes the templates of these kinds that were made for a class
// and that no class in the namespace refers to. Clusters do not count: Cluster
// API gives each of them copies of its own, which have the labels of what they
// were copied from and must stay.
func removeUnused(ctx context.Context, mgmt *management.Cluster, class *unstructured.Unstructured, of []schema.GroupVersionKind) error {
	inNamespace := client.InNamespace(class.GetNamespace())
	classes := &clusterv1.ClusterClassList{}
	if err := mgmt.List(ctx, classes, inNamespace); err != nil {
		return err
	}
	used := map[string]bool{}
	for i := range classes.Items {
		for _, name := range references(&classes.Items[i]) {
			used[name] = true
		}
	}
	for _, gvk := range of {
		templates := &unstructured.UnstructuredList{}
		templates.SetGroupVersionKind(gvk)
		if err := mgmt.List(ctx, templates, inNamespace, client.MatchingLabels{classLabel: class.GetName()}); err != nil {
			return err
		}
		for i := range templates.Items {
			template := &templates.Items[i]
			_, isCopy := template.GetLabels()[clusterv1.ClusterTopologyOwnedLabel]
			if isCopy || used[template.GetName()] || !isOwnedBy(template, class) {
				continue
			}
			uid := template.GetUID()
			if err := mgmt.Delete(ctx, template, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
				return err
			}
		}
	}
	return nil
}

// isOwnedBy says whether a template was made for this very class: its label has
// only the name.
func isOwnedBy(template, class *unstructured.Unstructured) bool {
	return slices.ContainsFunc(template.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == class.GetUID() })
}
