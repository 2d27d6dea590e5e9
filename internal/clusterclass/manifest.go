// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Manifest is a class as YAML, and how to read it.
type Manifest struct {
	// Text has the documents: a ClusterClass, its templates, and perhaps others.
	Text string
	// Variables are the values of clusterctl's variables in Text, by name. Nothing
	// is replaced if it is nil; if it is empty, variables get their defaults.
	Variables map[string]string
	// Class is the name of the ClusterClass that is meant. It may be empty if there
	// is only one.
	Class string
	// ClassOnly leaves out documents that are not of the class. Otherwise they are
	// errors.
	ClassOnly bool
	// Namespace is where the class will be. If it is empty, that is where Text says.
	Namespace string
}

// ClusterClass returns the ClusterClass alone, in the version that is worked with.
// Whatever else is in the manifest, or missing from it, does not matter.
func (m Manifest) ClusterClass() (*clusterv1.ClusterClass, error) {
	docs, err := m.documents()
	if err != nil {
		return nil, err
	}
	doc, _, err := m.choose(docs)
	if err != nil {
		return nil, errors.Join(err, faultsOf(docs))
	}
	content, _, err := classContent(doc)
	if err != nil {
		return nil, err
	}
	return typed(asClass(content, doc.object.GetName(), doc.object.GetNamespace()))
}

// manifest is what a Manifest says of its class: the same content that the typed
// attributes encode to.
type manifest struct {
	source          Manifest
	name, namespace string
	// content is of a ClusterClass, with the content of its templates in their
	// references, and without the name and namespace.
	content map[string]any
	// leftOut names the documents that are not of the class.
	leftOut []string
	// unfilled are what looks like variables of clusterctl and stays.
	unfilled []string
	// ignored are fields of the ClusterClass that Cluster API does not know.
	ignored []string
}

// parse reads the class with its templates. The error joins all that is wrong.
func (m Manifest) parse() (*manifest, error) {
	docs, err := m.documents()
	if err != nil {
		return nil, err
	}
	if err := faultsOf(slices.DeleteFunc(slices.Clone(docs), func(d document) bool { return m.ClassOnly && d.object != nil })); err != nil {
		return nil, err
	}
	class, rest, err := m.choose(docs)
	if err != nil {
		return nil, err
	}
	parsed := &manifest{source: m, name: class.object.GetName(), namespace: class.object.GetNamespace()}
	if parsed.content, parsed.ignored, err = classContent(class); err != nil {
		return nil, err
	}
	used, err := parsed.fill(class, rest, cmp.Or(m.Namespace, parsed.namespace, tfkit.DefaultNamespace))
	others := slices.DeleteFunc(rest, func(d document) bool { return used[d.place()] })
	if !m.ClassOnly {
		err = errors.Join(err, misplaced(others, parsed.name))
	}
	if err != nil {
		return nil, err
	}
	for _, doc := range others {
		parsed.leftOut = append(parsed.leftOut, doc.String())
	}
	if m.Variables == nil {
		parsed.unfilled = unfilled(slices.DeleteFunc(docs, func(d document) bool { return d.place() != class.place() && !used[d.place()] }))
	}
	return parsed, nil
}

// documents takes the manifest apart, with its variables filled in.
func (m Manifest) documents() ([]document, error) {
	text, err := m.process()
	if err != nil {
		return nil, err
	}
	return documents(text, m.Variables == nil), nil
}

// choose finds the ClusterClass that is meant among the documents.
func (m Manifest) choose(docs []document) (class document, rest []document, err error) {
	var classes, chosen []document
	for _, doc := range docs {
		if !doc.isClass() {
			continue
		}
		classes = append(classes, doc)
		if m.Class == "" || doc.object.GetName() == m.Class {
			chosen = append(chosen, doc)
		}
	}
	switch {
	case len(classes) == 0:
		return document{}, nil, errors.New("there is no ClusterClass in it, and one is needed")
	case len(chosen) == 0:
		return document{}, nil, &attributeError{classAttributeName, fmt.Sprintf(
			"the manifest has no ClusterClass %q. It has %s%s", m.Class, namesOf(classes), m.toFill(namesOf(classes)))}
	case len(chosen) > 1 && m.Class != "":
		return document{}, nil, fmt.Errorf("%s and %s are both the ClusterClass %q", chosen[0].place(), chosen[1].place(), m.Class)
	case len(chosen) > 1:
		return document{}, nil, fmt.Errorf("it has the ClusterClasses %s, and a resource is one class. Say with %s which one is meant, and make a resource for each",
			namesOf(classes), classAttributeName)
	}
	rest = slices.DeleteFunc(slices.Clone(docs), func(d document) bool { return d.place() == chosen[0].place() })
	return chosen[0], rest, chosen[0].err
}

func namesOf(docs []document) string {
	var names []string
	for _, doc := range docs {
		names = append(names, strconv.Quote(doc.object.GetName()))
	}
	return strings.Join(names, ", ")
}

// fill puts the content of the templates into the references of the class, and
// returns the places of the documents that it used. namespace is where the class
// will be.
func (m *manifest) fill(class document, docs []document, namespace string) (map[string]bool, error) {
	f := filler{class: class, docs: docs, namespace: namespace, used: map[string]bool{}}
	byRole := holders(m.content)
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		ref, _ := byRole[role]["templateRef"].(map[string]any)
		if doc := f.find(ref); doc != nil {
			byRole[role]["templateRef"] = f.content(*doc, ref)
		} else {
			f.missing(ref)
		}
	}
	remedies := remediations(m.content)
	for _, role := range slices.Sorted(maps.Keys(remedies)) {
		ref, _ := remedies[role]["templateRef"].(map[string]any)
		// One that is not in the manifest may exist: providers bring some along.
		if doc := f.find(ref); doc != nil {
			remedies[role]["template"] = f.content(*doc, ref)
			delete(remedies[role], "templateRef")
		}
	}
	return f.used, errors.Join(f.faults...)
}
