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

// BenchmarkPlan is the upgrade of two hundred clusters of one class, planned
// without a management cluster: validated, rendered before and after, compared.
func BenchmarkPlan(b *testing.B) {
	provider.CollectLess()
	protocol := newProtocol(b)
	plan := func(resource string, content object, prior acctest.Object) acctest.Change {
		change := protocol.Plan(b, resource, acctest.Value(b, protocol.Type(resource), content), prior)
		if acctest.Errors(change.Diagnostics) > 0 {
			b.Error(change.Diagnostics[0].Detail)
		}
		return change
	}
	made := func(change acctest.Change) acctest.Object {
		return acctest.Object{State: acctest.WithoutUnknown(b, change.State), Private: change.Private}
	}
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
