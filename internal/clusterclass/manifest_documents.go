// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

// document is one of the YAML documents of a manifest, or an item of one that is a
// list.
type document struct {
	// number counts the documents, from 1; item counts the items of a list, from 1,
	// and is 0 for what is no item. line is where the document begins.
	number, item, line int
	// object is nil if the document cannot be read.
	object *unstructured.Unstructured
	// err says that the document is not as it should be.
	err error
}

// place tells a document from all others.
func (d document) place() string {
	place := "document " + strconv.Itoa(d.number)
	if d.item > 0 {
		place += ", item " + strconv.Itoa(d.item)
	}
	return place
}

// String names the object that a document is.
func (d document) String() string {
	if d.object.GetKind() == "" || d.object.GetName() == "" {
		return d.place()
	}
	name := d.object.GetName()
	if namespace := d.object.GetNamespace(); namespace != "" {
		name = namespace + "/" + name
	}
	return d.object.GetKind() + " " + name
}

// fault is what is wrong about a document.
func (d document) fault(format string, args ...any) error {
	what := fmt.Sprintf("%s, which begins in line %d", d.place(), d.line)
	if d.object != nil && d.object.GetKind() != "" {
		what = fmt.Sprintf("%s, the %s %q that begins in line %d", d.place(), d.object.GetKind(), d.object.GetName(), d.line)
	}
	return fmt.Errorf("%s: %s", what, fmt.Sprintf(format, args...))
}

func (d document) isClass() bool {
	if d.object == nil {
		return false
	}
	gvk := d.object.GroupVersionKind()
	return gvk.Group == clusterv1.GroupVersion.Group && gvk.Kind == clusterv1.ClusterClassKind
}

// faultsOf joins what is wrong about documents.
func faultsOf(docs []document) error {
	var faults []error
	for _, doc := range docs {
		faults = append(faults, doc.err)
	}
	return errors.Join(faults...)
}

// documents takes YAML apart. Documents without content do not count, and those of
// a list count as its items. unprocessed says that variables of clusterctl may be in
// it.
func documents(text string, unprocessed bool) []document {
	var found []document
	number := 0
	for _, part := range split(text) {
		doc := part.document(number+1, unprocessed)
		if doc == nil {
			continue
		}
		number++
		found = append(found, doc.items()...)
	}
	return found
}

// items are the objects of a list, or the document itself.
func (d document) items() []document {
	if d.object == nil || !d.object.IsList() || !strings.HasSuffix(d.object.GetKind(), "List") {
		return []document{d}
	}
	list, err := d.object.ToList()
	if err != nil {
		d.err = d.fault("it is not a list of Kubernetes objects: %s", err)
		return []document{d}
	}
	var found []document
	for i := range list.Items {
		item := document{number: d.number, item: i + 1, line: d.line, object: &list.Items[i], err: d.err}
		if gvk := item.object.GroupVersionKind(); gvk.Kind == "" {
			gvk = d.object.GroupVersionKind()
			gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
			item.object.SetGroupVersionKind(gvk)
		}
		item.check()
		found = append(found, item.items()...)
	}
	return found
}

// check demands what every Kubernetes object has.
func (d *document) check() {
	if d.err != nil {
		return
	}
	isList := d.object.IsList() && strings.HasSuffix(d.object.GetKind(), "List")
	if d.object.GetAPIVersion() == "" || d.object.GetKind() == "" || d.object.GetName() == "" && !isList {
		d.err = d.fault("it is not a Kubernetes object, which has an apiVersion, a kind and a metadata.name")
	}
	if _, _, err := unstructured.NestedString(d.object.Object, "metadata", "namespace"); err != nil {
		d.err = d.fault("metadata.namespace has to be a string. Put it in quotes")
	}
}

// section is the text of a document, and the line in which it begins.
type section struct {
	text string
	line int
}

func split(text string) []section {
	var sections []section
	begin, beginLine, end := 0, 1, 0
	for i, line := range strings.SplitAfter(text, "\n") {
		if bare := strings.TrimRight(line, "\r\n\t "); bare == "---" || strings.HasPrefix(bare, "--- ") {
			sections = append(sections, section{text: text[begin:end], line: beginLine})
			begin, beginLine = end+len(line), i+2
		}
		end += len(line)
	}
	return append(sections, section{text: text[begin:], line: beginLine})
}

// document reads a section. It is nil if there is nothing in it.
func (s section) document(number int, unprocessed bool) *document {
	doc := &document{number: number, line: s.line}
	// What has only a key twice still says what it is.
	converted, err := yaml.YAMLToJSON([]byte(s.text))
	var content any
	if err == nil {
		err = json.Unmarshal(converted, &content)
	}
	if err != nil {
		doc.err = doc.fault("it is not valid YAML: %s", s.explain(err, unprocessed))
		return doc
	}
	if content == nil {
		return nil
	}
	fields, _ := content.(map[string]any)
	doc.object = &unstructured.Unstructured{Object: fields}
	if _, err := yaml.YAMLToJSONStrict([]byte(s.text)); err != nil {
		doc.err = doc.fault("it is not valid YAML: %s", s.explain(err, unprocessed))
	}
	doc.check()
	return doc
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// explain counts lines from the beginning of the manifest, and names what is the
// most frequent cause.
func (s section) explain(err error, unprocessed bool) string {
	message := lineNumber.ReplaceAllStringFunc(strings.TrimPrefix(err.Error(), "yaml: "), func(text string) string {
		number, _ := strconv.Atoi(strings.TrimPrefix(text, "line "))
		return "line " + strconv.Itoa(number+s.line-1)
	})
	if !unprocessed {
		return message
	}
	if names, err := processor.GetVariables([]byte(s.text)); err == nil && len(names) > 0 {
		message += fmt.Sprintf(". ${%s} looks like a variable of clusterctl: set %s to have it filled in", names[0], variablesAttributeName)
	}
	return message
}
