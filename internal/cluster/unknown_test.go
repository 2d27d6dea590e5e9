// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// FuzzPlanUnknown plans edited clusters and classes twice: with everything known,
// and with values here and there that will be known after the apply. What the
// second plan knows is what the first one knows, or it would have guessed.
func FuzzPlanUnknown(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed)
	}
	compared := 0
	f.Cleanup(func() {
		// Fuzzing itself goes on in other processes.
		if compared == 0 && flag.Lookup("test.fuzz").Value.String() == "" {
			f.Error("no plan was compared")
		}
	})
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // A test that fails has to fail again.
		before, after := newConfiguration("fuzz"), newConfiguration("fuzz")
		names := slices.Sorted(maps.Keys(edits))
		for range 1 + r.IntN(4) {
			edits[names[r.IntN(len(names))]](r, after)
		}
		masked := &configuration{class: mask(r, after.class, "").(object), cluster: mask(r, after.cluster, "").(object)}

		known, partly := planUpdate(t, before, after), planUpdate(t, before, masked)
		for _, resource := range []string{clusterclass.ResourceType, cluster.ResourceType} {
			if acctest.Errors(known[resource].Diagnostics) > 0 || acctest.Errors(partly[resource].Diagnostics) > 0 {
				t.Skip("the edits are wrong, or lack a value to be right")
			}
			if path, ok := acctest.Conforms(partly[resource].State, known[resource].State); !ok {
				t.Errorf("seed %d: with unknown values the plan of %s guesses at %s", seed, resource, path)
			}
			compared++
		}
	})
}

// planUpdate plans the change from one configuration to another, where there is no
// management cluster to ask.
func planUpdate(t *testing.T, before, after *configuration) map[string]acctest.Change {
	t.Helper()
	protocol := newProtocol(t)
	changes := map[string]acctest.Change{}
	for _, resource := range []string{clusterclass.ResourceType, cluster.ResourceType} {
		was, is := before.class, after.class
		if resource == cluster.ResourceType {
			was, is = before.cluster, after.cluster
		}
		plan := func(content object, prior acctest.Object) acctest.Change {
			return protocol.Plan(t, resource, acctest.Value(t, protocol.Type(resource), content), prior)
		}
		created := plan(was, acctest.Object{})
		if acctest.Errors(created.Diagnostics) > 0 {
			t.Fatalf("%s: %s", created.Diagnostics[0].Summary, created.Diagnostics[0].Detail)
		}
		prior := acctest.Object{State: acctest.WithoutUnknown(t, created.State), Private: created.Private}
		changes[resource] = plan(is, prior)
	}
	return changes
}

// newProtocol serves the resources where there is no management cluster to ask.
func newProtocol(tb testing.TB) *acctest.Protocol {
	tb.Helper()
	return acctest.Provider{
		Resolver:     management.NewResolver(nil, acctest.Engine{}),
		ResourceList: []func() tfresource.Resource{clusterclass.NewResource, cluster.NewResource},
	}.Protocol(tb)
}

// mask makes one value in twenty unknown, but for those that say which object it
// is.
func mask(r *rand.Rand, v any, name string) any {
	if name != "" && name != "name" && name != "management_cluster" && name != "class" && r.IntN(20) == 0 {
		return acctest.Unknown{}
	}
	switch v := v.(type) {
	case object:
		masked := object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			masked[name] = mask(r, v[name], name)
		}
		return masked
	case []any:
		masked := make([]any, len(v))
		for i := range v {
			masked[i] = mask(r, v[i], "[]")
		}
		return masked
	}
	return v
}
