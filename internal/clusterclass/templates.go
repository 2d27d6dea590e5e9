// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// classLabel on a template object has the name of the class that it was made for.
const classLabel = "terraform-capi.io/cluster-class"

// rendered is a class as objects.
type rendered struct {
	class *unstructured.Unstructured
	// templates are by role.
	templates map[string]*unstructured.Unstructured
	// manifest is what the class was read from, nil if it is written in attributes.
	manifest *manifest
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

// render moves the content of templates out of their references into objects,
// whose names the references get instead.
func render(class *unstructured.Unstructured) (*rendered, error) {
	r := &rendered{class: class, templates: map[string]*unstructured.Unstructured{}}
	for role, holder := range holders(class.Object) {
		content, _ := holder["templateRef"].(map[string]any)
		if err := r.add(role, holder, content); err != nil {
			return nil, err
		}
	}
	for role, remediation := range remediations(class.Object) {
		if content, ok := remediation["template"].(map[string]any); ok {
			delete(remediation, "template")
			if err := r.add(role, remediation, content); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// add makes the template of a role, and refers to it.
func (r *rendered) add(role string, holder, content map[string]any) error {
	template := templateObject(content)
	name, err := topology.TemplateName(r.class.GetName(), nameOf(role), template.Object)
	if err != nil {
		return err
	}
	template.SetName(name)
	template.SetNamespace(r.class.GetNamespace())
	labels := template.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[classLabel] = r.class.GetName()
	template.SetLabels(labels)
	holder["templateRef"] = map[string]any{"apiVersion": content["apiVersion"], "kind": content["kind"], "name": name}
	r.templates[role] = template
	return nil
}

// rename gives templates other names, by role.
func (r *rendered) rename(names map[string]string) {
	refs := references(r.class.Object)
	for role, name := range names {
		if template, ref := r.templates[role], refs[role]; template != nil && ref != nil {
			template.SetName(name)
			ref["name"] = name
		}
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

// expand is the reverse of render: it reads the templates that content, which is
// a live class or a part of one, refers to, and puts what they contain into the
// references. A template that is missing leaves its reference without content. Of
// a class that is being imported only what a configuration would declare counts.
func expand(ctx context.Context, mgmt *management.Cluster, namespace string, content map[string]any, imported bool) error {
	for _, holder := range holders(content) {
		ref, _ := holder["templateRef"].(map[string]any)
		if err := readInto(ctx, mgmt, namespace, ref, imported); err != nil {
			return err
		}
	}
	return nil
}

// expandRemediations does the same for the remediation templates that belong to
// the class, which are those that have the given names, by role.
func expandRemediations(ctx context.Context, mgmt *management.Cluster, namespace string, content map[string]any, own map[string]string) error {
	for role, remediation := range remediations(content) {
		ref, _ := remediation["templateRef"].(map[string]any)
		if name, found := own[role]; !found || ref["name"] != name {
			continue
		}
		if err := readInto(ctx, mgmt, namespace, ref, false); err != nil {
			return err
		}
		remediation["template"] = ref
		delete(remediation, "templateRef")
	}
	return nil
}

// readInto puts the content of the template that a reference means into the
// reference, which keeps its name.
func readInto(ctx context.Context, mgmt *management.Cluster, namespace string, ref map[string]any, imported bool) error {
	template := &unstructured.Unstructured{}
	template.SetAPIVersion(fmt.Sprint(ref["apiVersion"]))
	template.SetKind(fmt.Sprint(ref["kind"]))
	err := mgmt.Get(ctx, client.ObjectKey{Namespace: namespace, Name: fmt.Sprint(ref["name"])}, template)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	object := template.Object
	if imported {
		if object, err = management.Importable(template); err != nil {
			return err
		}
	}
	collapse(ref, object)
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

// kinds are the kinds of the templates that classes refer to. Of a remediation
// template that does not have a name as they are given here nothing is asked: it is
// somebody else's.
func kinds(classes ...*unstructured.Unstructured) []schema.GroupVersionKind {
	found := map[schema.GroupVersionKind]bool{}
	for _, class := range classes {
		if class == nil {
			continue
		}
		remedies := remediations(class.Object)
		for role, ref := range references(class.Object) {
			if remedies[role] == nil || strings.HasPrefix(fmt.Sprint(ref["name"]), class.GetName()+"-"+nameOf(role)+"-") {
				found[schema.FromAPIVersionAndKind(fmt.Sprint(ref["apiVersion"]), fmt.Sprint(ref["kind"]))] = true
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}
