// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// filler finds the templates that a class refers to.
type filler struct {
	class document
	docs  []document
	// namespace is where the class will be.
	namespace string
	// used are the places of documents that were found.
	used   map[string]bool
	faults []error
}

// find returns the document that a reference means, nil if there is none. What is
// wrong about the document is noted down.
func (f *filler) find(ref map[string]any) *document {
	apiVersion, kind, name := fmt.Sprint(ref["apiVersion"]), fmt.Sprint(ref["kind"]), fmt.Sprint(ref["name"])
	var found, elsewhere []document
	for _, doc := range f.docs {
		if doc.object == nil {
			continue
		}
		gvk := doc.object.GroupVersionKind()
		if gvk.Kind != kind || doc.object.GetName() != name || gvk.Group != schema.FromAPIVersionAndKind(apiVersion, kind).Group {
			continue
		}
		if f.isBeside(doc) {
			found = append(found, doc)
		} else {
			elsewhere = append(elsewhere, doc)
		}
	}
	if len(found) == 0 && len(elsewhere) > 0 {
		f.faults = append(f.faults, elsewhere[0].fault("its namespace is %q, and a template has to be in the namespace of its class, which is %q. Correct it, or set namespace",
			elsewhere[0].object.GetNamespace(), f.namespace))
		found = elsewhere[:1]
	}
	switch {
	case len(found) == 0:
		return nil
	case len(found) > 1:
		f.faults = append(f.faults, f.class.fault("it refers to the %s %q, which %s and %s both are", kind, name, found[0].place(), found[1].place()))
		f.used[found[1].place()] = true
	case found[0].object.GetAPIVersion() != apiVersion:
		f.faults = append(f.faults, f.class.fault("it refers to the %s %q of %s, which %s has as %s. Write the same version in both places",
			kind, name, apiVersion, found[0].place(), found[0].object.GetAPIVersion()))
	}
	f.used[found[0].place()] = true
	return &found[0]
}

// isBeside says whether a template will be in the namespace of the class. One that
// stands beside the class in the manifest moves with it.
func (f *filler) isBeside(doc document) bool {
	namespace := doc.object.GetNamespace()
	return namespace == "" || namespace == f.class.object.GetNamespace() || namespace == f.namespace
}

// missing notes down that a template is not there.
func (f *filler) missing(ref map[string]any) {
	f.faults = append(f.faults, f.class.fault("it refers to the %s %q of %s, which is not in the manifest. Add it", ref["kind"], ref["name"], ref["apiVersion"]))
}

// content is the reference to a template with the template's content instead of
// its name.
func (f *filler) content(doc document, ref map[string]any) map[string]any {
	content, err := templateContent(doc)
	f.faults = append(f.faults, doc.err, err)
	filled := map[string]any{"apiVersion": ref["apiVersion"], "kind": ref["kind"]}
	maps.Copy(filled, content)
	return filled
}

// misplaced says what to do with documents that are not of the class.
func misplaced(docs []document, class string) error {
	if len(docs) == 0 {
		return nil
	}
	text := fmt.Sprintf("it has documents that are not of the ClusterClass %q. Set %s to true to leave them out, or follow these hints:", class, classOnlyAttributeName)
	for _, doc := range docs {
		text += "\n  " + doc.fault("%s", belongs(doc, class)).Error()
	}
	return errors.New(text)
}

// belongs says where a document that is not of the class belongs.
func belongs(doc document, class string) string {
	switch kind := doc.object.GetKind(); {
	case doc.isClass():
		return "a resource is one class. Make a resource for it"
	case kind == clusterv1.ClusterKind:
		return fmt.Sprintf("a cluster is a resource of its own, a capi_cluster whose topology.class is %q. Move it there", class)
	case kind == "ClusterResourceSet" || kind == "ConfigMap" || kind == "Secret":
		return "what is to be installed into a cluster can be given to its capi_cluster, in cni.manifests; anything else needs a resource of its own"
	case strings.HasSuffix(kind, clusterv1.TemplateSuffix):
		return "the ClusterClass does not refer to it. Remove it, or refer to it"
	}
	return "it is not part of a class. Remove it, and make it with a resource of its own"
}

// serverFields are fields of objects that API servers and controllers write, and
// that stand in manifests which were read from a cluster.
var serverFields = []string{"status"}

// templateContent is what the reference to a template has of it.
func templateContent(doc document) (map[string]any, error) {
	object := doc.object.Object
	if unknown := otherKeys(object, append([]string{"apiVersion", "kind", "metadata", "spec"}, serverFields...)...); unknown != "" {
		return nil, doc.fault("templates have no %s", unknown)
	}
	spec, _ := object["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	if unknown := otherKeys(template, "metadata", "spec"); unknown != "" {
		return nil, doc.fault("spec.template has no %s, but metadata and spec", unknown)
	}
	own, err := labelsAndAnnotations(object["metadata"])
	if err != nil {
		return nil, doc.fault("metadata: %s", err)
	}
	made, err := labelsAndAnnotations(template["metadata"])
	if err != nil {
		return nil, doc.fault("spec.template.metadata: %s", err)
	}
	content := own
	if len(made) > 0 {
		content["metadata"] = made
	}
	if template["spec"] != nil {
		content["spec"] = template["spec"]
	}
	if extra := without(spec, "template"); len(extra) > 0 {
		content["extraSpec"] = extra
	}
	return content, nil
}

func without(object map[string]any, key string) map[string]any {
	rest := maps.Clone(object)
	delete(rest, key)
	return rest
}

// otherKeys are the keys of an object besides those that are known.
func otherKeys(object map[string]any, known ...string) string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(object)), func(key string) bool { return slices.Contains(known, key) })
	return strings.Join(keys, ", ")
}

// labelsAndAnnotations is what people write in an object's metadata besides its
// name and namespace. The rest is of servers and controllers.
func labelsAndAnnotations(metadata any) (map[string]any, error) {
	fields, _ := metadata.(map[string]any)
	found := map[string]any{}
	for _, name := range []string{"labels", "annotations"} {
		if fields[name] == nil {
			continue
		}
		values, ok := fields[name].(map[string]any)
		if !ok {
			return nil, errors.New(name + " have to be a map")
		}
		for key, value := range values {
			if _, ok := value.(string); !ok {
				return nil, fmt.Errorf("%s: the value of %s has to be a string. Put it in quotes", name, key)
			}
		}
		if len(values) > 0 {
			found[name] = values
		}
	}
	return found, nil
}
