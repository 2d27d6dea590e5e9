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
	"sigs.k8s.io/yaml"
)

// document is one of the YAML documents of a manifest.
type document struct {
	// number counts the documents, from 1. line is where it begins.
	number, line int
	object       *unstructured.Unstructured
}

// fault is what is wrong about a document.
func (d document) fault(format string, args ...any) error {
	what := fmt.Sprintf("document %d, which begins in line %d", d.number, d.line)
	if d.object != nil && d.object.GetKind() != "" {
		what = fmt.Sprintf("document %d, the %s %q that begins in line %d", d.number, d.object.GetKind(), d.object.GetName(), d.line)
	}
	return fmt.Errorf("%s: %s", what, fmt.Sprintf(format, args...))
}

// documents takes a manifest apart. Documents without content do not count.
func documents(text string) ([]document, error) {
	var found []document
	var faults []error
	for _, part := range split(text) {
		doc := document{number: len(found) + 1, line: part.line}
		converted, err := yaml.YAMLToJSONStrict([]byte(part.text))
		if err != nil {
			faults = append(faults, doc.fault("it is not valid YAML: %s", part.explain(err)))
			found = append(found, doc)
			continue
		}
		var content any
		if err := json.Unmarshal(converted, &content); err != nil {
			return nil, doc.fault("%s", err)
		}
		if content == nil {
			continue
		}
		fields, isObject := content.(map[string]any)
		doc.object = &unstructured.Unstructured{Object: fields}
		if !isObject || doc.object.GetAPIVersion() == "" || doc.object.GetKind() == "" || doc.object.GetName() == "" {
			faults = append(faults, doc.fault("it is not a Kubernetes object, which has an apiVersion, a kind and a metadata.name"))
		}
		found = append(found, doc)
	}
	return found, errors.Join(faults...)
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

var lineNumber = regexp.MustCompile(`line (\d+)`)

// explain counts lines from the beginning of the manifest, and names what is the
// most frequent cause.
func (s section) explain(err error) string {
	message := lineNumber.ReplaceAllStringFunc(strings.TrimPrefix(err.Error(), "yaml: "), func(text string) string {
		number, _ := strconv.Atoi(strings.TrimPrefix(text, "line "))
		return "line " + strconv.Itoa(number+s.line-1)
	})
	if variable := clusterctlVariable.FindString(s.text); variable != "" {
		message += ". " + toFillIn(variable)
	}
	return message
}
