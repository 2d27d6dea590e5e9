// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	fwresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers"
	providers "github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const address = capiprovider.ResourceType + ".test"

// fakeBundle installs nothing: an API server alone runs no controllers.
type fakeBundle struct {
	mu         sync.Mutex
	image      string // of this binary
	version    string // of this binary
	clusterAPI string // of this binary
	stored     []bundle.StoredKind
	installed  map[string]*bundle.Status
	pending    string
	// forbidden says that the credentials do not allow to look at what is installed.
	forbidden bool
	// changed says that the controllers do not run as declared.
	changed   bool
	serves    []string
	installs  []string
	settings  bundle.Settings
	contracts []string
	loads     int
}

func newFakeBundle() *fakeBundle {
	return &fakeBundle{image: "localhost/capi:one", version: "0.1.0", installed: map[string]*bundle.Status{}}
}

func (f *fakeBundle) Release() bundle.Release {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.release()
}

func (f *fakeBundle) release() bundle.Release {
	release := bundle.Own(f.version)
	if f.clusterAPI != "" {
		release.ClusterAPI = f.clusterAPI
	}
	return release
}

func (f *fakeBundle) Unstorable(context.Context, *management.Cluster, string) ([]bundle.StoredKind, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stored, nil
}

func (f *fakeBundle) Image(_, reference string) (bundle.Image, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if reference == "" {
		reference = f.image
	}
	if reference == "" {
		return bundle.Image{}, errors.New("not on this machine")
	}
	return bundle.Image{Reference: reference}, nil
}

func (f *fakeBundle) Load(context.Context, *management.Cluster, bundle.Image) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loads++
	return nil
}

// Begin makes the entry of the inventory, which is all that an API server takes.
func (f *fakeBundle) Begin(ctx context.Context, cluster *management.Cluster, name string) (*management.Creation, error) {
	return bundle.Begin(ctx, cluster, name, f.Release().Provider)
}

func (f *fakeBundle) AsDeclared(context.Context, *management.Cluster, string, bundle.Image, bundle.Settings) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.changed, nil
}

func (f *fakeBundle) Others(ctx context.Context, cluster *management.Cluster, name string) ([]bundle.Other, error) {
	return bundle.Others(ctx, cluster, name)
}

func (f *fakeBundle) CoreContracts(context.Context, *management.Cluster) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.contracts, nil
}

func (f *fakeBundle) CheckFlags(name string, flags []string) error {
	return controllers.Check(name, flags)
}

func (f *fakeBundle) Install(_ context.Context, _ *management.Cluster, name string, image bundle.Image, settings bundle.Settings) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings, f.changed = settings, false
	f.installs = append(f.installs, image.Reference)
	f.installed[name] = &bundle.Status{Release: f.release(), Image: image.Reference}
	return nil
}

func (f *fakeBundle) Installed(ctx context.Context, cluster *management.Cluster, name string) (*bundle.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entry := &clusterctlv1.Provider{}
	provider, err := providers.Find(name)
	if err != nil {
		return nil, err
	}
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: provider.Namespace, Name: name}, entry); err != nil {
		return nil, err
	}
	status := &bundle.Status{UID: entry.UID, Release: bundle.ReleaseOf(entry), Origin: bundle.OriginOf(entry)}
	if installed := f.installed[name]; installed != nil {
		status.Image, status.Release = installed.Image, installed.Release
	}
	return status, nil
}

func (f *fakeBundle) Pending(context.Context, *management.Cluster, string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forbidden {
		return "", apierrors.NewForbidden(schema.GroupResource{Resource: "mutatingwebhookconfigurations"}, "x", errors.New(`User "plan" cannot get resource`))
	}
	return f.pending, nil
}

func (f *fakeBundle) Serves(context.Context, *management.Cluster, string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.serves), nil
}

func (f *fakeBundle) Uninstall(_ context.Context, _ *management.Cluster, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.installed, name)
	return nil
}

func (f *fakeBundle) Gone(context.Context, *management.Cluster, string) (string, error) {
	return "", nil
}

func (f *fakeBundle) Unregister(ctx context.Context, cluster *management.Cluster, name string, uid types.UID) error {
	return bundle.Unregister(ctx, cluster, name, uid)
}

func (f *fakeBundle) Unregistered(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	return bundle.Unregistered(ctx, cluster, name)
}

func (f *fakeBundle) LacksDocker(context.Context, string, string) bool { return false }

// lose uninstalls the provider behind Terraform's back.
func (f *fakeBundle) lose(t *testing.T, cluster *management.Cluster) {
	t.Helper()
	f.change(func() { f.installed = map[string]*bundle.Status{} })()
	entry := &clusterctlv1.Provider{}
	entry.Namespace, entry.Name = "capi-kubeadm-bootstrap-system", "bootstrap-kubeadm"
	if err := cluster.Delete(context.WithoutCancel(t.Context()), entry); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeBundle) change(change func()) func() {
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		change()
	}
}

func (f *fakeBundle) testCase(resolver *management.Resolver) resource.TestCase {
	provider := f.provider()
	provider.Resolver = resolver
	return resource.TestCase{ProtoV6ProviderFactories: provider.Factories()}
}

func (f *fakeBundle) provider() acctest.Provider {
	return acctest.Provider{ResourceList: []func() fwresource.Resource{func() fwresource.Resource { return capiprovider.NewResource(f) }}}
}

func config(extra string) string {
	return fmt.Sprintf(`
resource %q "test" {
  management_cluster = "kind://%s"
  name               = "bootstrap-kubeadm"
  %s
}
`, capiprovider.ResourceType, acctest.KindName, extra)
}

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func state(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), value)
}

func TestIntegrationLife(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeBundle()
	environment := acctest.NeedAPIServer(t)
	test := fake.testCase(environment.Resolver())
	test.Steps = []resource.TestStep{
		{
			Config: config(""),
			ConfigStateChecks: []statecheck.StateCheck{
				state("id", knownvalue.StringExact("kind://envtest/bootstrap-kubeadm")),
				state("namespace", knownvalue.StringExact("capi-kubeadm-bootstrap-system")),
				state("type", knownvalue.StringExact("BootstrapProvider")),
				state("version", knownvalue.StringExact(bundle.Version())),
				state("provider_version", knownvalue.StringExact("0.1.0")),
				state("image", knownvalue.StringExact("localhost/capi:one")),
				state("ready", knownvalue.Bool(true)),
			},
		},
		{ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/bootstrap-kubeadm", ImportStateVerify: true},
		{
			// A new binary is an update in place, and the plan names its image.
			PreConfig: fake.change(func() { fake.image = "localhost/capi:two" }),
			Config:    config(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("image"), knownvalue.StringExact("localhost/capi:two")),
			}},
		},
		{
			Config:            config(`image = "registry.example.com/capi:v1"`),
			ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{state("image", knownvalue.StringExact("registry.example.com/capi:v1"))},
		},
		{
			// A change of what Terraform does touches nothing.
			Config:           config("image = \"registry.example.com/capi:v1\"\n  timeouts = { delete = \"1s\" }"),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
		},
		{
			PreConfig:        func() { fake.lose(t, environment.Cluster) },
			Config:           config("image = \"registry.example.com/capi:v1\"\n  timeouts = { delete = \"1s\" }"),
			ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
		},
		{
			PreConfig:   fake.change(func() { fake.serves = []string{"KubeadmConfig default/a"} }),
			Config:      config("image = \"registry.example.com/capi:v1\"\n  timeouts = { delete = \"1s\" }"),
			Destroy:     true,
			ExpectError: regexp.MustCompile(`(?s)objects of its kinds exist.*KubeadmConfig default/a.*Destroy these\s+objects first`),
		},
		{
			PreConfig: fake.change(func() { fake.serves = nil }),
			Config:    config(""),
			Destroy:   true,
		},
	}
	resource.UnitTest(t, test)
	want := []string{"localhost/capi:one", "localhost/capi:two", "registry.example.com/capi:v1", "registry.example.com/capi:v1"}
	if !slices.Equal(fake.installs, want) {
		t.Errorf("installed were %q, want %q", fake.installs, want)
	}
	if len(fake.installed) != 0 {
		t.Errorf("left are %v", fake.installed)
	}
}

// A provider that is slow to start is not destroyed for it: the wait is resumed.
func TestIntegrationSlowStart(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeBundle()
	fake.pending = "Deployment x: 0 of 1 pods are available"
	test := fake.testCase(acctest.NeedAPIServer(t).Resolver())
	slow := config(`timeouts = { create = "1s" }`)
	test.Steps = []resource.TestStep{
		{
			Config:             slow,
			ConfigStateChecks:  []statecheck.StateCheck{state("ready", knownvalue.Bool(false))},
			ExpectNonEmptyPlan: true,
		},
		{
			PreConfig:         fake.change(func() { fake.pending = "" }),
			Config:            slow,
			ConfigPlanChecks:  planned(plancheck.ResourceActionNoop),
			ConfigStateChecks: []statecheck.StateCheck{state("ready", knownvalue.Bool(true))},
		},
		{
			// Who may not look does not plan to install it again.
			PreConfig: fake.change(func() { fake.forbidden = true }),
			Config:    slow,
			PlanOnly:  true,
		},
		{
			PreConfig:          fake.change(func() { fake.pending, fake.forbidden = "gone again", false }),
			Config:             slow,
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
		{
			PreConfig:         fake.change(func() { fake.pending = "" }),
			Config:            slow,
			ConfigStateChecks: []statecheck.StateCheck{state("ready", knownvalue.Bool(true))},
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationManagementClusterAway(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	fake := newFakeBundle()
	engine := environment.Engine()
	resolver := management.NewResolver(nil, engine)
	away := func(kubeconfig string) func() {
		return func() {
			engine.Kubeconfigs[acctest.KindName] = kubeconfig
			resolver.Forget(management.KindID(acctest.KindName))
		}
	}
	// The test ends without its management cluster.
	t.Cleanup(func() { fake.lose(t, environment.Cluster) })
	test := fake.testCase(resolver)
	test.Steps = []resource.TestStep{
		{Config: config("")},
		{
			// Unreachable: what was known stays known, and the plan is empty.
			PreConfig: away(regexp.MustCompile(`server: .*`).ReplaceAllString(environment.Kubeconfig, "server: https://127.0.0.1:1")),
			Config:    config(""),
			PlanOnly:  true,
		},
		{
			// An import has no last known state to keep.
			ResourceName: address, ImportState: true, ImportStateId: "kind://" + acctest.KindName + "/bootstrap-kubeadm",
			Config:      config(""),
			ExpectError: regexp.MustCompile("Management cluster unreachable"),
		},
		{
			// Gone: so is what was in it.
			PreConfig: func() {
				delete(engine.Kubeconfigs, acctest.KindName)
				resolver.Forget(management.KindID(acctest.KindName))
			},
			Config:             config(""),
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationBadInput(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	named := func(name, extra string) string {
		return fmt.Sprintf("resource %q \"test\" {\n  name = %q\n  %s\n}\n", capiprovider.ResourceType, name, extra)
	}
	const inKind = `management_cluster = "kind://envtest"`
	for name, test := range map[string]struct{ config, image, want string }{
		"another provider":      {named("infrastructure-aws", inKind), "x", `(?s)"cluster-api".*"infrastructure-docker"`},
		"no management cluster": {named("cluster-api", ""), "x", `set\s+management_cluster`},
		"wrong id":              {named("cluster-api", `management_cluster = "mgmt"`), "x", `"mgmt" is not valid`},
		"no image":              {named("cluster-api", inKind), "", `(?s)Set\s+image to one in a\s+registry`},
		"wrong image":           {named("cluster-api", inKind+"\n  image = \"A B\""), "x", `"A B" is not valid`},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeBundle()
			fake.image = test.image
			testCase := fake.testCase(environment.Resolver())
			testCase.Steps = []resource.TestStep{{Config: test.config, PlanOnly: true, ExpectError: regexp.MustCompile(test.want)}}
			resource.UnitTest(t, testCase)
			if len(fake.installs) != 0 {
				t.Error("something was installed")
			}
		})
	}
}

func TestIntegrationImportErrors(t *testing.T) {
	acctest.NeedTerraform(t)
	testCase := newFakeBundle().testCase(acctest.NeedAPIServer(t).Resolver())
	for _, id := range []string{"kind://envtest", "kind://envtest/aws", "default/cluster-api", "aws"} {
		testCase.Steps = append(testCase.Steps, resource.TestStep{
			Config: config(""), ResourceName: address, ImportState: true, ImportStateId: id,
			ExpectError: regexp.MustCompile("(?s)" + strings.ReplaceAll(regexp.QuoteMeta(id), "/", `/\s*`) + `.*An example\s+is\s+kind://mgmt/cluster-api`),
		})
	}
	resource.UnitTest(t, testCase)
}
