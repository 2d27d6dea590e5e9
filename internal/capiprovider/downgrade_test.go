// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider_test

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// The plan names both versions, and neither an update nor a destruction happens.
func TestIntegrationDowngrade(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeBundle()
	fake.version = "0.10.0"
	is := func(version string) func() { return fake.change(func() { fake.version = version }) }
	test := fake.testCase(acctest.NeedAPIServer(t).Resolver())
	test.Steps = []resource.TestStep{
		{Config: config("")},
		{
			PreConfig: is("0.9.3"),
			Config:    config(""),
			PlanOnly:  true,
			ExpectError: regexp.MustCompile(`(?s)Newer version installed.*installed\s+from\s+version\s+0\.10\.0\s+of\s+this\s+Terraform\s+provider.*` +
				`This\s+is\s+version\s+0\.9\.3.*terraform\s+init\s+-upgrade`),
		},
		{Config: config(""), Destroy: true, ExpectError: regexp.MustCompile(`Newer version installed`)},
		{PreConfig: is("0.10.0"), Config: config(""), PlanOnly: true},
		{
			// A later version is an update, although the image stays the same.
			PreConfig:         is("0.11.0"),
			Config:            config(""),
			ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{state("provider_version", knownvalue.StringExact("0.11.0"))},
		},
		{
			PreConfig:   fake.change(func() { fake.version, fake.stored = "0.12.0", laterKind() }),
			Config:      config(""),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`(?s)Objects stored in an unknown version.*stored\s+as\s+v1beta3.*terraform\s+init\s+-upgrade`),
		},
		{PreConfig: fake.change(func() { fake.stored = nil }), Config: config("")},
	}
	resource.UnitTest(t, test)
	if len(fake.installs) != 3 {
		t.Errorf("installed was %d times: %q", len(fake.installs), fake.installs)
	}
}

func laterKind() []bundle.StoredKind {
	return []bundle.StoredKind{{CRD: "kubeadmconfigs.bootstrap.cluster.x-k8s.io", Stored: []string{"v1beta3"}, Bundled: []string{"v1beta1", "v1beta2"}}}
}

// What the last refresh did not see, because a newer version came in between.
func TestIntegrationDowngradeAfterThePlan(t *testing.T) {
	env := acctest.NeedAPIServer(t)
	const refused = "ERROR: Newer version installed"
	attributes := map[string]any{"management_cluster": management.KindID(acctest.KindName), "name": "bootstrap-kubeadm"}
	key := client.ObjectKey{Namespace: "capi-kubeadm-bootstrap-system", Name: "bootstrap-kubeadm"}
	open := func(t *testing.T) (*fakeBundle, *acctest.Protocol, func(extra map[string]any) acctest.Change, acctest.Object) {
		t.Helper()
		fake := newFakeBundle()
		provider := fake.provider()
		provider.Resolver = env.Resolver()
		p := provider.Protocol(t)
		var object acctest.Object
		plan := func(extra map[string]any) acctest.Change {
			all := maps.Clone(attributes)
			maps.Copy(all, extra)
			return p.Plan(t, capiprovider.ResourceType, acctest.Value(t, p.Type(capiprovider.ResourceType), all), object)
		}
		object, diagnostics := p.Apply(t, capiprovider.ResourceType, plan(nil))
		need(t, diagnostics)
		t.Cleanup(func() {
			entry := &clusterctlv1.Provider{}
			entry.Namespace, entry.Name = key.Namespace, key.Name
			_ = env.Cluster.Delete(context.WithoutCancel(t.Context()), entry)
		})
		return fake, p, plan, object
	}
	newer := func(fake *fakeBundle) {
		fake.change(func() { fake.installed["bootstrap-kubeadm"].Release.Provider = "0.2.0" })()
	}

	t.Run("update", func(t *testing.T) {
		fake, p, plan, _ := open(t)
		change := plan(map[string]any{"image": "registry.example.com/capi:v1"})
		need(t, change.Diagnostics)
		newer(fake)
		_, diagnostics := p.Apply(t, capiprovider.ResourceType, change)
		need(t, diagnostics, refused)
		if len(fake.installs) != 1 {
			t.Error("the older version was installed")
		}
	})
	t.Run("destroy", func(t *testing.T) {
		fake, p, _, object := open(t)
		newer(fake)
		_, diagnostics := p.Apply(t, capiprovider.ResourceType, p.PlanDestroy(t, capiprovider.ResourceType, object))
		need(t, diagnostics, refused)
		if fake.installed["bootstrap-kubeadm"] == nil {
			t.Error("it was uninstalled")
		}
	})
	t.Run("refresh", func(t *testing.T) {
		fake, p, _, object := open(t)
		newer(fake)
		read, diagnostics := p.Read(t.Context(), t, capiprovider.ResourceType, object)
		need(t, diagnostics)
		var version string
		if err := read.Attribute(t, "provider_version").As(&version); err != nil || version != "0.2.0" {
			t.Errorf("the state has version %q: %v", version, err)
		}
	})
}

// What a newer version left that was interrupted while it created is not taken over.
func TestIntegrationDowngradeOfAnInterruptedCreation(t *testing.T) {
	env := acctest.NeedAPIServer(t)
	fake := newFakeBundle()
	creation, err := bundle.Begin(t.Context(), env.Cluster, "bootstrap-kubeadm", "0.2.0")
	if err != nil {
		t.Fatal(err)
	}
	creation.Stop()
	t.Cleanup(func() { _ = env.Cluster.Delete(context.WithoutCancel(t.Context()), creation.Object()) })
	provider := fake.provider()
	provider.Resolver = env.Resolver()
	p := provider.Protocol(t)
	change := p.Plan(t, capiprovider.ResourceType, acctest.Value(t, p.Type(capiprovider.ResourceType), map[string]any{
		"management_cluster": management.KindID(acctest.KindName), "name": "bootstrap-kubeadm",
	}), acctest.Object{})
	need(t, change.Diagnostics, "ERROR: Newer version installed")
	if len(fake.installs) != 0 {
		t.Error("it was taken over")
	}
}

func need(t *testing.T, diagnostics []*tfprotov6.Diagnostic, want ...string) {
	t.Helper()
	if got := acctest.Summaries(diagnostics); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		var details []string
		for _, diagnostic := range diagnostics {
			details = append(details, diagnostic.Detail)
		}
		t.Errorf("got %q, want %q: %s", got, want, strings.Join(details, "\n"))
	}
}
