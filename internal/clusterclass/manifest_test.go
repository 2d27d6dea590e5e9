// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// upstream is where Cluster API's test module is, with the manifests that people
// begin with.
var upstream = sync.OnceValues(func() (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/cluster-api/test").Output()
	return strings.TrimSpace(string(dir)), err
})

func readUpstream(t *testing.T, path string) string {
	t.Helper()
	dir, err := upstream()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const quickStart = "infrastructure/docker/templates/clusterclass-quick-start.yaml"

// classManifests are the manifests upstream that have a ClusterClass.
func classManifests(t *testing.T) []string {
	t.Helper()
	dir, err := upstream()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, pattern := range []string{"infrastructure/docker/templates/*.yaml", "e2e/data/*/*/*.yaml"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nkind: ClusterClass\n") {
				relative, _ := filepath.Rel(dir, path)
				found = append(found, relative)
			}
		}
	}
	return found
}

func fromText(t *testing.T, text string) *model {
	t.Helper()
	return fromManifestOf(t, Manifest{Text: text})
}

// fromManifestOf is the model of a class that is written as a manifest.
func fromManifestOf(t *testing.T, source Manifest) *model {
	t.Helper()
	m := imported(t, map[string]any{})
	parsed, err := source.parse()
	if err != nil {
		t.Fatal(err)
	}
	m.Name = types.StringValue(parsed.name)
	m.setManifest(source)
	return m
}

func (m *model) setManifest(source Manifest) {
	m.Manifest, m.ManifestClass, m.ManifestClassOnly = types.StringValue(source.Text), types.StringValue(source.Class), types.BoolValue(source.ClassOnly)
	if source.Variables != nil {
		values := map[string]attr.Value{}
		for name, value := range source.Variables {
			values[name] = types.StringValue(value)
		}
		m.ManifestVariables = types.MapValueMust(types.StringType, values)
	}
}

// Whatever upstream has is taken, and means the same as typed attributes do.
func TestManifestsOfUpstream(t *testing.T) {
	paths := classManifests(t)
	if len(paths) < 5 {
		t.Fatalf("found only %v", paths)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			written := fromManifestOf(t, Manifest{Text: readUpstream(t, path), Variables: map[string]string{}})
			content, err := written.encode()
			if err != nil {
				t.Fatal(err)
			}
			read := imported(t, runtime.DeepCopyJSON(content))
			read.Name = written.Name
			again, err := read.encode()
			if err != nil {
				t.Fatal(err)
			}
			// Attributes are maps where order means nothing.
			if diff := cmp.Diff(content, again, cmpopts.SortSlices(func(a, b any) bool { return name(a) < name(b) })); diff != "" {
				t.Errorf("not the same in attributes (-manifest +attributes):\n%s", diff)
			}
			fromManifest, err := written.ToAPI()
			if err != nil {
				t.Fatal(err)
			}
			fromAttributes, err := read.ToAPI()
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(fromManifest.names(), fromAttributes.names()) {
				t.Errorf("templates %v from the manifest, %v from attributes", fromManifest.names(), fromAttributes.names())
			}
			if diags := fromManifest.validateFields(t.Context(), nil); diags.HasError() {
				t.Errorf("an API server would refuse it: %v", diags)
			}
			blueprint, err := fromManifest.blueprint()
			if err != nil {
				t.Fatal(err)
			}
			if problems := topology.ValidateBlueprint(t.Context(), nil, blueprint, nil); len(problems) > 0 {
				t.Errorf("Cluster API would refuse it: %v", problems)
			}
		})
	}
}

// name is that of an item of a list of a class, whose order means nothing if it
// has one.
func name(item any) string {
	fields, _ := item.(map[string]any)
	for _, key := range []string{"name", "class"} {
		if name, ok := fields[key].(string); ok {
			return name
		}
	}
	return ""
}

// A class of version v1beta1 becomes one of today.
func TestManifestOfV1Beta1(t *testing.T) {
	rendered, err := fromText(t, `
apiVersion: cluster.x-k8s.io/v1beta1
kind: ClusterClass
metadata: {name: old}
spec:
  infrastructure:
    ref: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta1, kind: DockerClusterTemplate, name: infra}
  controlPlane:
    ref: {apiVersion: controlplane.cluster.x-k8s.io/v1beta1, kind: KubeadmControlPlaneTemplate, name: cp}
    nodeDrainTimeout: 1m
  variables:
  - {name: a, required: true, schema: {openAPIV3Schema: {type: string}}}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: DockerClusterTemplate
metadata: {name: infra}
spec: {template: {spec: {}}}
---
apiVersion: controlplane.cluster.x-k8s.io/v1beta1
kind: KubeadmControlPlaneTemplate
metadata: {name: cp}
spec: {template: {spec: {kubeadmConfigSpec: {}}}}
`).ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	names := rendered.names()
	want := map[string]any{
		"infrastructure": map[string]any{"templateRef": map[string]any{
			"apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "DockerClusterTemplate", "name": names[roleInfrastructure],
		}},
		"controlPlane": map[string]any{
			"templateRef": map[string]any{
				"apiVersion": "controlplane.cluster.x-k8s.io/v1beta1", "kind": "KubeadmControlPlaneTemplate", "name": names[roleControlPlane],
			},
			"deletion": map[string]any{"nodeDrainTimeoutSeconds": int64(60)},
		},
		"variables": []any{map[string]any{
			"name": "a", "required": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "string"}},
		}},
	}
	if diff := cmp.Diff(want, rendered.class.Object["spec"]); diff != "" {
		t.Errorf("class (-want +got):\n%s", diff)
	}
}

// manifestOf is the manifest of the class with every field.
func manifestOf(t *testing.T) string {
	t.Helper()
	text, err := (&manifest{name: "whole"}).text(parse(t, everything).Object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Every field survives the way through a manifest.
func TestManifestHasEveryField(t *testing.T) {
	got, err := fromText(t, manifestOf(t)).encode()
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, everything).Object
	delete(want, "apiVersion")
	delete(want, "kind")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is configured beside the manifest wins.
func TestManifestIsOverridden(t *testing.T) {
	m := fromText(t, manifestOf(t))
	m.Name = types.StringValue("renamed")
	m.Labels = types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringValue("mine"), "new": types.StringValue("x")})
	content, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "renamed", "namespace": "default",
		"labels": map[string]any{"a": "mine", "new": "x"}, "annotations": map[string]any{"c": "d"},
	}
	if diff := cmp.Diff(want, content["metadata"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The manifest stays as it is written while what it declares is live, and shows
// what is live when it is not.
func TestManifestDrift(t *testing.T) {
	text := "# A comment.\n" + manifestOf(t)
	live := func(change func(class map[string]any)) string {
		t.Helper()
		m := fromText(t, text)
		content, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		change(content)
		if err := m.FromAPI(content); err != nil {
			t.Fatal(err)
		}
		return m.Manifest.ValueString()
	}
	inside := func(object map[string]any, name string) map[string]any { return object[name].(map[string]any) }

	if got := live(func(map[string]any) {}); got != text {
		t.Errorf("became %s", got)
	}
	if got := live(func(class map[string]any) {
		inside(inside(class, "spec"), "controlPlane")["addedByOthers"] = "x"
		inside(inside(class, "metadata"), "labels")["addedByOthers"] = "x"
	}); got != text {
		t.Errorf("what others add made it %s", got)
	}
	got := live(func(class map[string]any) {
		inside(inside(holders(class)["default-worker/machine"], "templateRef"), "spec")["customImage"] = "other"
		delete(inside(inside(class, "metadata"), "labels"), "a")
	})
	for _, want := range []string{"\n# metadata.labels", "\n# spec.workers.machineDeployments[0].infrastructure.templateRef.spec.customImage\n", "customImage: other"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "# spec.controlPlane") {
		t.Errorf("says that more differs than does:\n%s", got)
	}
	if _, err := (Manifest{Text: got}).parse(); err != nil {
		t.Errorf("not a manifest any more: %v", err)
	}
}

// Every mistake is found, and its message names the document.
func TestManifestMistakes(t *testing.T) {
	whole := readUpstream(t, quickStart)
	replaced := func(old, replacement string) string {
		t.Helper()
		if !strings.Contains(whole, old) {
			t.Fatalf("the manifest has no %q", old)
		}
		return strings.Replace(whole, old, replacement, 1)
	}
	with := func(document string) string { return whole + "---\n" + document }
	const infrastructure = "apiVersion: infrastructure.cluster.x-k8s.io/v1beta2\nkind: DevClusterTemplate\nmetadata:\n  name: quick-start-cluster\n"
	for name, tc := range map[string]struct{ text, want string }{
		"syntax":           {replaced(infrastructure, strings.Replace(infrastructure, "name: quick", "name: [quick", 1)), `document 2, .*not valid YAML: .*line \d\d\d`},
		"a key twice":      {replaced("  name: quick-start\n", "  name: quick-start\n  name: other\n"), `document 1.*line 5.*already`},
		"empty":            {"# nothing\n", `no ClusterClass`},
		"only templates":   {whole[strings.Index(whole, "---"):], `no ClusterClass`},
		"two classes":      {with(strings.ReplaceAll(whole, "name: quick-start", "name: other")), `ClusterClasses "quick-start", "other".*manifest_class`},
		"no object":        {with("- a\n"), `not a Kubernetes object`},
		"no name":          {with("apiVersion: v1\nkind: Secret\n"), `not a Kubernetes object`},
		"template missing": {replaced(infrastructure, strings.ReplaceAll(infrastructure, "cluster\n", "clutser\n")), `ClusterClass "quick-start".*DevClusterTemplate "quick-start-cluster".*not in the manifest`},
		"template unused":  {replaced(infrastructure, strings.ReplaceAll(infrastructure, "cluster\n", "clutser\n")), `DevClusterTemplate "quick-start-clutser".*does not refer to it`},
		"template twice":   {with(infrastructure + "spec: {template: {spec: {}}}\n"), `which document 2 and document \d+ both are`},
		"a cluster":        {with("apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: c}\n"), `Cluster "c".*capi_cluster`},
		"a secret":         {with("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"), `Secret "s".*cni.manifests`},
		"something else":   {with("apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n"), `Namespace "ns".*not part of a class`},
		"in a flow":        {replaced("name: quick-start\n", "{name: ${CLUSTER_CLASS}}\n"), `not valid YAML.*\$\{CLUSTER_CLASS\} looks like a variable of clusterctl.*manifest_variables`},
		"unknown field":    {replaced("  controlPlane:\n", "  controlPlan: {}\n  controlPlane:\n"), `ClusterClass "quick-start".*spec.controlPlan: there is no such field`},
		"version":          {replaced("cluster.x-k8s.io/v1beta2\nkind: ClusterClass", "cluster.x-k8s.io/v1alpha4\nkind: ClusterClass"), `v1alpha4`},
		"versions differ":  {replaced(infrastructure, strings.Replace(infrastructure, "v1beta2", "v1beta1", 1)), `same version in both places`},
		"namespace":        {replaced(infrastructure, infrastructure+"  namespace: other\n"), `namespace is "other"`},
		"template's field": {replaced(infrastructure, "template: {}\n"+infrastructure), `templates have no template`},
		"a label":          {replaced(infrastructure, infrastructure+"  labels: {a: true}\n"), `value of a has to be a string`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Manifest{Text: tc.text}.parse()
			if err == nil || !regexp.MustCompile("(?s)"+tc.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// Comments and the names of templates mean nothing.
func TestManifestsThatDeclareTheSame(t *testing.T) {
	text := readUpstream(t, quickStart)
	a, err := fromText(t, text).ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	b, err := fromText(t, "# Comment.\n"+strings.ReplaceAll(text, "quick-start-default-worker-bootstraptemplate", "renamed")).ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.class.Object, b.class.Object); diff != "" {
		t.Error(diff)
	}
}
