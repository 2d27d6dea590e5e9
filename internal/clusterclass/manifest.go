// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1beta1 "sigs.k8s.io/cluster-api/api/core/v1beta1" //nolint:staticcheck // As long as upstream takes it, people have it.
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/conversion"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// manifest is what the manifest attribute says: the same content that the other
// attributes encode to.
type manifest struct {
	name, namespace string
	// content is of a ClusterClass, with the content of its templates in their
	// references, and without the name and namespace.
	content map[string]any
	// templates are the names that templates have in the manifest, by role.
	templates map[string]string
}

// FromManifest returns the ClusterClass of a manifest. The manifest has to have
// all the templates that the class refers to, and nothing else.
func FromManifest(text string) (*clusterv1.ClusterClass, error) {
	parsed, err := parseManifest(text)
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{Object: parsed.content}
	obj.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterClassKind))
	obj.SetName(parsed.name)
	obj.SetNamespace(parsed.namespace)
	rendered, err := render(obj)
	if err != nil {
		return nil, err
	}
	return typed(rendered.class)
}

// parseManifest reads a manifest. The error joins all that is wrong about it.
func parseManifest(text string) (*manifest, error) {
	docs, err := documents(text)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, doc := range docs {
		faults = append(faults, fillVariables(doc)...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	class, rest, err := theClass(docs)
	if err != nil {
		return nil, err
	}
	parsed := &manifest{name: class.object.GetName(), namespace: class.object.GetNamespace(), templates: map[string]string{}}
	if parsed.content, err = classContent(class); err != nil {
		return nil, err
	}
	return parsed, parsed.fill(class, rest)
}

// theClass finds the ClusterClass among the documents.
func theClass(docs []document) (class document, rest []document, err error) {
	var classes []document
	for _, doc := range docs {
		gvk := doc.object.GroupVersionKind()
		if gvk.Group == clusterv1.GroupVersion.Group && gvk.Kind == clusterv1.ClusterClassKind {
			classes = append(classes, doc)
			continue
		}
		rest = append(rest, doc)
	}
	switch len(classes) {
	case 0:
		return document{}, nil, errors.New("there is no ClusterClass in it, and one is needed")
	case 1:
		return classes[0], rest, nil
	}
	return document{}, nil, classes[1].fault("it is the second ClusterClass, and a resource is one class. Make a manifest and a resource for each")
}

// classContent is what a configuration would declare of a ClusterClass.
func classContent(doc document) (map[string]any, error) {
	object := doc.object.Object
	switch version := doc.object.GroupVersionKind().Version; version {
	case clusterv1.GroupVersion.Version:
		if _, err := typed(doc.object); err != nil {
			return nil, doc.fault("it is not as ClusterClasses are: %s", err)
		}
	case clusterv1beta1.GroupVersion.Version:
		converted, err := fromV1Beta1(object)
		if err != nil {
			return nil, doc.fault("it is not as ClusterClasses of %s are: %s", version, err)
		}
		object = converted
	default:
		return nil, doc.fault("its version %q is not known; there are %s and %s", version, clusterv1.GroupVersion.Version, clusterv1beta1.GroupVersion.Version)
	}
	metadata, err := labelsAndAnnotations(object["metadata"])
	if err != nil {
		return nil, doc.fault("metadata: %s", err)
	}
	content := map[string]any{"spec": object["spec"]}
	if len(metadata) > 0 {
		content["metadata"] = metadata
	}
	return runtime.DeepCopyJSON(content), nil
}

// fromV1Beta1 converts as Cluster API's webhook does. That waits for nothing.
//
//nolint:contextcheck,nolintlint // So there is nothing to cancel either; for callers, of which nolintlint does not know.
func fromV1Beta1(object map[string]any) (_ map[string]any, err error) {
	defer topology.Guard("Cluster API's conversion of ClusterClasses", &err)
	old, class := &clusterv1beta1.ClusterClass{}, &clusterv1.ClusterClass{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, old, true); err != nil {
		return nil, err
	}
	if err := conversion.ConvertClusterClassV1Beta1ToHub(context.Background(), old, class); err != nil {
		return nil, err
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(class)
}

// fill puts the content of the templates into the references of the class.
func (m *manifest) fill(class document, docs []document) error {
	var faults []error
	used := map[int]bool{}
	byRole := holders(m.content)
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		ref, _ := byRole[role]["templateRef"].(map[string]any)
		doc, err := find(docs, ref)
		if err != nil {
			faults = append(faults, class.fault("%s", err))
			continue
		}
		used[doc.number] = true
		if namespace := doc.object.GetNamespace(); namespace != "" && namespace != m.namespace {
			faults = append(faults, doc.fault("its namespace is %q, and a template has to be in the namespace of its class, %q", namespace, m.namespace))
		}
		content, err := templateContent(doc)
		if err != nil {
			faults = append(faults, err)
		}
		m.templates[role] = doc.object.GetName()
		delete(ref, "name")
		maps.Copy(ref, content)
	}
	for _, doc := range docs {
		if !used[doc.number] {
			faults = append(faults, doc.fault("%s", misplaced(doc.object, m.name)))
		}
	}
	return errors.Join(faults...)
}

// find returns the document that a reference means.
func find(docs []document, ref map[string]any) (document, error) {
	apiVersion, kind, name := fmt.Sprint(ref["apiVersion"]), fmt.Sprint(ref["kind"]), fmt.Sprint(ref["name"])
	var found []document
	for _, doc := range docs {
		gvk := doc.object.GroupVersionKind()
		if gvk.Kind == kind && doc.object.GetName() == name && gvk.Group == schema.FromAPIVersionAndKind(apiVersion, kind).Group {
			found = append(found, doc)
		}
	}
	switch {
	case len(found) == 0:
		return document{}, fmt.Errorf("it refers to the %s %q of %s, which is not in the manifest. Add it", kind, name, apiVersion)
	case len(found) > 1:
		return document{}, fmt.Errorf("it refers to the %s %q, which the documents %d and %d of the manifest both are", kind, name, found[0].number, found[1].number)
	case found[0].object.GetAPIVersion() != apiVersion:
		return document{}, fmt.Errorf("it refers to the %s %q of %s, which document %d has as %s. Write the same version in both places",
			kind, name, apiVersion, found[0].number, found[0].object.GetAPIVersion())
	}
	return found[0], nil
}

// misplaced says what to do with a document that the class does not refer to.
func misplaced(obj *unstructured.Unstructured, class string) string {
	switch kind := obj.GetKind(); {
	case kind == clusterv1.ClusterKind:
		return fmt.Sprintf("a cluster is a resource of its own, a capi_cluster whose topology.class is %q. Move it there", class)
	case kind == "ClusterResourceSet" || kind == "ConfigMap" || kind == "Secret":
		return "it is not part of a class. What is to be installed into a cluster can be given to its capi_cluster, in cni.manifests; anything else needs a resource of its own"
	case strings.HasSuffix(kind, clusterv1.TemplateSuffix):
		return "the ClusterClass does not refer to it. Remove it, or refer to it"
	}
	return "it is not part of a class. Remove it, and make it with a resource of its own"
}
