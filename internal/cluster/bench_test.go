// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
)

// planner returns how to plan a resource, and what it is once that is applied.
func planner(b *testing.B) (plan func(string, object, acctest.Object) acctest.Change, made func(acctest.Change) acctest.Object) {
	b.Helper()
	protocol := newProtocol(b)
	plan = func(resource string, content object, prior acctest.Object) acctest.Change {
		change := protocol.Plan(b, resource, acctest.Value(b, protocol.Type(resource), content), prior)
		if acctest.Errors(change.Diagnostics) > 0 {
			b.Error(change.Diagnostics[0].Detail)
		}
		return change
	}
	made = func(change acctest.Change) acctest.Object {
		return acctest.Object{State: acctest.WithoutUnknown(b, change.State), Private: change.Private}
	}
	return plan, made
}

// BenchmarkPlanManySets is a new class of two hundred patches, a new cluster of it with
// sixty machine deployments, and its upgrade, planned without a management cluster.
func BenchmarkPlanManySets(b *testing.B) {
	provider.CollectLess()
	c := newConfiguration("sets")
	patches := make([]any, 200)
	for i := range patches {
		patches[i] = object{
			"name": fmt.Sprintf("patch-%d", i), "enabled_if": "{{ gt .size 0.0 }}", "definitions": []any{object{
				"selector": object{
					"api_version": "bootstrap.cluster.x-k8s.io/v1beta2", "kind": "KubeadmConfigTemplate",
					"match_resources": object{"machine_deployment_class": object{"names": []any{"default-worker"}}},
				},
				"json_patches": []any{object{
					"op": "add", "path": "/spec/template/spec/preKubeadmCommands/-",
					"value_from": object{"template": "echo {{ .size }} {{ .builtin.machineDeployment.version }}"},
				}},
			}},
		}
	}
	c.class["patches"] = patches
	in(c.class, "workers", "machine_deployments", "default-worker", "bootstrap", "template", "spec")["preKubeadmCommands"] = []any{"true"}
	sets := in(c.cluster, "topology", "workers", "machine_deployments")
	for i := range 60 {
		sets[fmt.Sprintf("md-%d", i)] = object{"class": "default-worker", "replicas": 1 + i%3}
	}
	for b.Loop() {
		plan, made := planner(b)
		in(c.cluster, "topology")["version"] = "v1.34.0"
		class := made(plan(clusterclass.ResourceType, c.class, acctest.Object{}))
		created := made(plan(cluster.ResourceType, c.cluster, acctest.Object{}))
		in(c.cluster, "topology")["version"] = "v1.35.0"
		plan(clusterclass.ResourceType, c.class, class)
		if change := plan(cluster.ResourceType, c.cluster, created); !change.Attribute(b, "upgrade").IsFullyKnown() {
			b.Fatal("the plan does not say what the upgrade does")
		}
	}
}

// BenchmarkPlan is the upgrade of two hundred clusters of one class, planned
// without a management cluster: validated, rendered before and after, compared.
func BenchmarkPlan(b *testing.B) {
	provider.CollectLess()
	plan, made := planner(b)
	const clusters = 200
	class := made(plan(clusterclass.ResourceType, newConfiguration("bench").class, acctest.Object{}))
	states, configurations := make([]acctest.Object, clusters), make([]*configuration, clusters)
	for i := range clusters {
		configurations[i] = newConfiguration("bench")
		configurations[i].cluster["name"] = fmt.Sprintf("bench-%d", i)
		states[i] = made(plan(cluster.ResourceType, configurations[i].cluster, acctest.Object{}))
		in(configurations[i].cluster, "topology")["version"] = "v1.35.0"
	}
	for b.Loop() {
		plan(clusterclass.ResourceType, configurations[0].class, class)
		var group errgroup.Group
		group.SetLimit(10) // Terraform's default
		for i := range clusters {
			group.Go(func() error {
				change := plan(cluster.ResourceType, configurations[i].cluster, states[i])
				if !change.Attribute(b, "upgrade").IsFullyKnown() {
					return errors.New("the plan does not say what the upgrade does")
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}
