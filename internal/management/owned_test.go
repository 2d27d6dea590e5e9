// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const ownedObject = `
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata:
  name: web
  labels: {mine: a, theirs: b, cluster.x-k8s.io/cluster-name: web}
  annotations: {terraform-capi.io/note: x}
  managedFields:
  - manager: terraform-provider-capi
    operation: Apply
    fieldsV1:
      f:metadata: {f:labels: {f:mine: {}, f:cluster.x-k8s.io/cluster-name: {}}}
      f:spec:
        f:paused: {}
        f:list: {}
        f:empty: {}
        f:reference: {}
        f:set: {"v:\"x\"": {}}
        f:variables: {'k:{"name":"one"}': {.: {}, f:name: {}, f:value: {f:part: {}}}}
  - manager: them
    operation: Update
    fieldsV1: {f:spec: {f:theirs: {}}}
spec:
  paused: true
  theirs: 1
  list: [a, b]
  empty: {defaulted: {port: 6443}}
  reference: {name: secret, key: value}
  set: [x, y]
  variables:
  - {name: one, value: {part: 1, defaulted: 2}}
  - {name: two, value: 3}
`

// parseObject parses the object, applied by the manager.
func parseObject(t *testing.T, manager string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(strings.Replace(ownedObject, FieldManager, manager, 1)), &obj.Object); err != nil {
		t.Fatal(err)
	}
	return obj
}

func TestOwned(t *testing.T) {
	g := NewWithT(t)
	owned, applied, err := Owned(parseObject(t, FieldManager))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(applied).To(BeTrue())
	g.Expect(owned["spec"]).To(Equal(map[string]any{
		"paused": true,
		"list":   []any{"a", "b"},
		"set":    []any{"x"},
		// Nothing says whether a map without children was applied empty or is atomic, but what is in it.
		"empty":     map[string]any{},
		"reference": map[string]any{"name": "secret", "key": "value"},
		"variables": []any{map[string]any{
			"name": "one", "value": map[string]any{"part": float64(1)},
		}},
	}))
	_, applied, err = Owned(parseObject(t, "us"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(applied).To(BeFalse(), "others applied it")
	updated := parseObject(t, "us")
	entries := updated.GetManagedFields()
	entries[1].Manager = FieldManager
	updated.SetManagedFields(entries)
	_, applied, err = Owned(updated)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(applied).To(BeFalse(), "an update is no apply")
}

func TestImportable(t *testing.T) {
	g := NewWithT(t)
	ours, err := Importable(parseObject(t, FieldManager))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ours["metadata"]).To(Equal(map[string]any{"labels": map[string]any{"mine": "a"}}))

	theirs, err := Importable(parseObject(t, "nobody"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(theirs["metadata"]).To(HaveKeyWithValue("labels", map[string]any{"mine": "a", "theirs": "b"}))
	g.Expect(theirs["metadata"]).NotTo(HaveKey("annotations"))
	g.Expect(theirs["spec"]).To(HaveKey("theirs"))
}
