// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// FuzzRender feeds in a spec for one of the templates, a patch and the topology
// of a cluster. Whatever they are, there is a rendering or a problem, a cluster
// that does not change rolls nothing, and nothing panics.
func FuzzRender(f *testing.F) {
	f.Add(0, `{"template":{"spec":{}}}`, `{"op":"add","path":"/spec/template/spec/x","value":1}`, `{"version":"v1.35.0"}`)
	f.Add(1, `{"template":{"spec":{"kubeadmConfigSpec":{"files":null}}}}`, `{"op":"remove","path":""}`, `{"version":"v1.35.0","controlPlane":{"replicas":1}}`)
	f.Add(2, `{"template":3}`, `{"op":"add","path":"/spec","valueFrom":{"template":"{{ .builtin.cluster.name }}"}}`, `{}`)
	f.Add(3, `[]`, `{"op":"add","path":"/spec/template/spec/-","valueFrom":{"variable":"builtin.controlPlane.replicas"}}`,
		`{"version":"v1.35.0","workers":{"machineDeployments":[{"name":"a","class":"default-worker"},{"name":"a","class":"default-worker"}],"machinePools":[{"class":"default-worker"}]}}`)
	f.Add(4, `null`, `{}`, `{"version":"","variables":[{"name":"imageRepository","value":null}]}`)
	f.Add(5, `{"template":{"spec":{"format":1.5,"files":[1,null,{"x":1e400}]}}}`, `{}`, `{"version":"v1.35.0","workers":{"machineDeployments":[{"name":"","class":""}]}}`)
	f.Add(8, `{"template":{"spec":{"kubeadmConfigSpec":{"clusterConfiguration":{"etcd":{"local":null},"apiServer":{"extraVolumes":[null]}},"joinConfiguration":{"discovery":{"file":{"kubeConfig":{}}}}}}}}`, `{}`,
		`{"version":"v1.35.0","controlPlane":{"replicas":3},"workers":{"machineDeployments":[{"name":"a","class":"default-worker"}]}}`)
	f.Add(9, `{"template":{"spec":{"ignition":{},"users":[{"passwdFrom":null}],"initConfiguration":null}}}`, `{}`,
		`{"version":"v1.35.0","workers":{"machineDeployments":[{"name":"a","class":"default-worker"}]}}`)
	originals := []Blueprint{quickStart(f), kubeadmBlueprint(f, oldControlPlane, oldBootstrap)}
	f.Fuzz(func(t *testing.T, index int, spec, patch, topology string) {
		original := originals[uint(index)/8%2]
		blueprint, cluster := original.deepCopy(), quickStartCluster()
		if template := blueprint.Templates[uint(index)%uint(len(blueprint.Templates))]; json.Valid([]byte(spec)) {
			var value any
			if json.Unmarshal([]byte(spec), &value) == nil {
				template.Object["spec"] = value
			}
		}
		operation := clusterv1.JSONPatch{}
		if json.Unmarshal([]byte(patch), &operation) == nil {
			jsonPatch(blueprint, "fuzz", "", operation)
		}
		_ = json.Unmarshal([]byte(topology), &cluster.Spec.Topology)
		problems := ValidateBlueprint(t.Context(), nil, blueprint, nil)
		before, more := Render(t.Context(), blueprint, cluster, nil)
		problems = append(problems, more...)
		if unknown := Unknown(problems); len(unknown) > 0 {
			t.Fatal(unknown)
		}
		if before == nil && len(problems) == 0 {
			t.Fatal("there is no rendering, and nothing says why")
		}
		if _, err := ParseVersion(cluster.Spec.Topology.Version); before == nil || err != nil {
			return
		}
		after, problems := Render(t.Context(), blueprint, cluster, before)
		if after == nil {
			t.Fatalf("what was rendered cannot be rendered again: %v", problems)
		}
		if rolls := rollsOf(t, before, after); len(rolls) > 0 {
			t.Fatalf("nothing changes, and there roll %v", rolls)
		}
	})
}

// Whatever changes anywhere in the specs of templates, a difference is found in
// both directions, named below the spec, and its value is not told.
func TestChangedPathsFindEveryDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		before := anyValue(random, 4)
		after := anyValue(random, 4)
		if random.IntN(2) == 0 {
			after = runtimeCopy(before)
		}
		forth, back := changedPaths("spec", before, after), changedPaths("spec", after, before)
		if (len(forth) == 0) != sameValue(before, after) || len(forth) != len(back) {
			t.Fatalf("%v and %v differ in %v and %v", before, after, forth, back)
		}
		for _, path := range forth {
			if strings.Contains(path, "secret") {
				t.Fatalf("the path %s tells a value", path)
			}
		}
	}
}

// anyValue is one of few values, of some depth.
func anyValue(random *rand.Rand, depth int) any {
	switch kind := random.IntN(6); {
	case kind < 3 && depth > 0:
		value := map[string]any{}
		for range random.IntN(4) {
			value[string(rune('a'+random.IntN(3)))] = anyValue(random, depth-1)
		}
		return value
	case kind == 3 && depth > 0:
		return []any{anyValue(random, depth-1)}
	case kind == 4:
		return int64(random.IntN(2))
	}
	return "secret" + string(rune('0'+random.IntN(2)))
}

func runtimeCopy(value any) any {
	return (&unstructured.Unstructured{Object: map[string]any{"value": value}}).DeepCopy().Object["value"]
}
