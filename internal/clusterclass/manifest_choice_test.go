// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallClass is a class with its templates, in a namespace if that is not empty.
func smallClass(name, namespace string) string {
	metadata := func(name string) string {
		if namespace == "" {
			return fmt.Sprintf("{name: %s}", name)
		}
		return fmt.Sprintf("{name: %s, namespace: %s}", name, namespace)
	}
	return fmt.Sprintf(`apiVersion: cluster.x-k8s.io/v1beta2
kind: ClusterClass
metadata: %s
spec:
  infrastructure:
    templateRef: {apiVersion: infrastructure.example.com/v1, kind: NetTemplate, name: %[2]s-net}
  controlPlane:
    templateRef: {apiVersion: controlplane.example.com/v1, kind: PlaneTemplate, name: %[2]s-plane}
---
apiVersion: infrastructure.example.com/v1
kind: NetTemplate
metadata: %[3]s
spec: {template: {spec: {}}}
---
apiVersion: controlplane.example.com/v1
kind: PlaneTemplate
metadata: %[4]s
spec: {template: {spec: {}}}
`, metadata(name), name, metadata(name+"-net"), metadata(name+"-plane"))
}

const others = `---
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: one}
spec: {topology: {classRef: {name: a}, version: v1.35.0}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: cni, namespace: kube-system}
- apiVersion: infrastructure.example.com/v1
  kind: SpareTemplate
  metadata: {name: spare}
---
apiVersion: infrastructure.example.com/v1
kind: NetIdentityList
items:
- metadata: {name: who}
---
just: values
---
apiVersion: v1
kind: Secret
metadata: {name: twice, name: twice}
`

// What is not of the class is left out if that is wanted, and named. Otherwise it is
// an error that says how.
func TestManifestClassOnly(t *testing.T) {
	parsed, err := Manifest{Text: smallClass("a", "") + others + "---\n" + smallClass("b", ""), ClassOnly: true, Class: "a"}.parse()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Cluster one", "ConfigMap kube-system/cni", "SpareTemplate spare", "NetIdentity who", "document 7", "Secret twice",
		"ClusterClass b", "NetTemplate b-net", "PlaneTemplate b-plane",
	}
	if diff := cmp.Diff(want, parsed.leftOut); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	alone, err := Manifest{Text: smallClass("a", "")}.parse()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alone.content, parsed.content); diff != "" {
		t.Errorf("the class is another (-alone +chosen):\n%s", diff)
	}
	for name, tc := range map[string]struct {
		Manifest
		want string
	}{
		"not left out": {Manifest{Text: smallClass("a", "") + strings.Split(others, "just:")[0]}, `Set manifest_class_only to true.*document 4, the Cluster "one".*capi_cluster.*document 5, item 1, the ConfigMap "cni".*item 2.*document 6, item 1, the NetIdentity "who"`},
		"not objects":  {Manifest{Text: smallClass("a", "") + others}, `document 7.*not a Kubernetes object.*document 8, the Secret "twice".*already`},
		"other class":  {Manifest{Text: smallClass("a", "") + "---\n" + smallClass("b", ""), Class: "a"}, `manifest_class_only.*ClusterClass "b".*Make a resource for it`},
		"no choice":    {Manifest{Text: smallClass("a", "") + "---\n" + smallClass("b", ""), ClassOnly: true}, `ClusterClasses "a", "b".*manifest_class`},
		"no such":      {Manifest{Text: smallClass("a", ""), Class: "c"}, `no ClusterClass "c". It has "a"`},
		"twice":        {Manifest{Text: smallClass("a", "x") + "---\n" + smallClass("a", "z"), Class: "a"}, `document 1 and document 4 are both`},
		"a class's own fault stays": {Manifest{Text: strings.Replace(smallClass("a", ""), "spec:\n", "spec:\n  nonsense: 1\n", 1), ClassOnly: true},
			`spec.nonsense`},
		"a template's own fault stays": {Manifest{Text: strings.Replace(smallClass("a", ""), "{template: {spec: {}}}", "{template: {spec: {}}, template: {}}", 1), ClassOnly: true},
			`document 2, the NetTemplate.*already`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tc.parse(); err == nil || !regexp.MustCompile("(?s)"+tc.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// The class and its variables can be had whatever else is wrong.
func TestManifestClusterClass(t *testing.T) {
	text := smallClass("a", "x")
	text = text[:strings.Index(text, "---")] + "  variables: [{name: v, required: true, schema: {openAPIV3Schema: {type: string}}}]\n" + others
	class, err := Manifest{Text: text}.ClusterClass()
	if err != nil || class.Name != "a" || class.Namespace != "x" || len(class.Spec.Variables) != 1 {
		t.Errorf("got %v, %v", class, err)
	}
}

// A template has to be where its class will be.
func TestManifestNamespaces(t *testing.T) {
	inTemplates := strings.Replace(smallClass("a", "x"), ", namespace: x", "", 1)
	for name, tc := range map[string]struct {
		text, configured string
		refused          bool
	}{
		"nowhere said":                     {smallClass("a", ""), "", false},
		"the same in all":                  {smallClass("a", "x"), "", false},
		"moved with the class":             {smallClass("a", "x"), "other", false},
		"configured as in templates":       {inTemplates, "x", false},
		"templates elsewhere":              {inTemplates, "", true},
		"templates not where configured":   {inTemplates, "other", true},
		"templates in the default":         {strings.ReplaceAll(inTemplates, "namespace: x", "namespace: default"), "", false},
		"class only in the manifest":       {strings.Replace(smallClass("a", ""), "{name: a}", "{name: a, namespace: x}", 1), "", false},
		"another of the name elsewhere":    {smallClass("a", "x") + "---\n" + strings.SplitN(smallClass("a", "other"), "---\n", 2)[1], "", false},
		"two that will be in the same":     {smallClass("a", "x") + "---\n" + strings.SplitN(smallClass("a", "other"), "---\n", 2)[1], "other", true},
		"not a string":                     {strings.Replace(smallClass("a", ""), "{name: a}", "{name: a, namespace: 1}", 1), "", true},
		"several, and none in the class's": {strings.ReplaceAll(inTemplates, "namespace: x", "namespace: z"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Manifest{Text: tc.text, Namespace: tc.configured, ClassOnly: true}.parse()
			if (err != nil) != tc.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Fields deep in schemas that only API servers know are no reason to refuse a class.
func TestManifestIgnoredFields(t *testing.T) {
	text := smallClass("a", "")
	at := strings.Index(text, "---")
	text = text[:at] + "  variables: [{name: v, required: true, schema: {openAPIV3Schema: {type: object, properties: {p: {type: array, items: {type: string}, x-kubernetes-list-type: set}}}}}]\n" + text[at:]
	for _, version := range []string{"v1beta2", "v1beta1"} {
		text := strings.Replace(text, "x-k8s.io/v1beta2", "x-k8s.io/"+version, 1)
		if version == "v1beta1" {
			text = strings.ReplaceAll(text, "templateRef", "ref")
		}
		m := fromText(t, text)
		rendered, err := m.ToAPI()
		if err != nil {
			t.Fatal(err)
		}
		if got := rendered.manifest.ignored; !slices.Equal(got, []string{"spec.variables[0].schema.openAPIV3Schema.properties.p.x-kubernetes-list-type"}) &&
			!slices.Equal(got, []string{"spec.variables[0].schema.openAPIV3Schema.properties.x-kubernetes-list-type"}) {
			t.Errorf("%s: ignored are %q", version, got)
		}
		if _, err := rendered.blueprint(); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}
