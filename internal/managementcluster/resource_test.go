// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"sync"
	"testing"

	fwresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const (
	address = managementcluster.ResourceType + ".test"
	image   = managementcluster.DefaultNodeImage
)

// fakeClusters is a KinD that makes nothing. Every cluster has the API of the
// test's API server.
type fakeClusters struct {
	kubeconfig string
	runtime    *container.Fake

	mu       sync.Mutex
	clusters map[string]*kind.Description
	engine   error // what talking to Docker ends in
	creation error // what creating ends in
	started  int
	exports  []string
	// deadAPIs are clusters that run but do not answer.
	deadAPIs map[string]bool
}

func newFakeClusters(environment *acctest.Environment) *fakeClusters {
	return &fakeClusters{
		kubeconfig: environment.Kubeconfig, runtime: container.NewFake(image),
		clusters: map[string]*kind.Description{}, deadAPIs: map[string]bool{},
	}
}

func (f *fakeClusters) factories() resource.TestCase {
	return resource.TestCase{ProtoV6ProviderFactories: acctest.Provider{
		Resolver:     management.NewResolver(management.Connection{}, f),
		ResourceList: []func() fwresource.Resource{func() fwresource.Resource { return managementcluster.NewResourceFor(f) }},
	}.Factories()}
}

func (f *fakeClusters) Engine(context.Context) (kind.Engine, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return kind.Engine{CgroupVersion: "2"}, f.engine
}

func (f *fakeClusters) Exists(_ context.Context, name string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clusters[name] != nil, f.engine
}

func (f *fakeClusters) Create(_ context.Context, config kind.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.creation != nil {
		return f.creation
	}
	f.clusters[config.Name] = &kind.Description{
		Status: kind.StatusRunning, Node: config.Name + "-control-plane", Config: config,
		Endpoint: "https://127.0.0.1:1", CACertificate: "CA", KubernetesVersion: "v1.35.0",
	}
	return nil
}

func (f *fakeClusters) Describe(_ context.Context, name string) (*kind.Description, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.engine != nil {
		return nil, f.engine
	}
	if f.clusters[name] == nil {
		return nil, kind.ErrNotFound
	}
	description := *f.clusters[name]
	if description.Status != kind.StatusRunning {
		description.Endpoint, description.CACertificate, description.KubernetesVersion = "", "", ""
	}
	return &description, nil
}

func (f *fakeClusters) Start(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started++
	f.clusters[name].Status = kind.StatusRunning
	return nil
}

func (f *fakeClusters) ExportKubeConfig(_ context.Context, name, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exports = append(f.exports, name+" to "+path)
	return nil
}

func (f *fakeClusters) Runtime(context.Context) (container.Runtime, error) { return f.runtime, nil }

func (f *fakeClusters) Delete(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.clusters, name)
	return nil
}

func (f *fakeClusters) KubeConfig(_ context.Context, name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.engine != nil:
		return "", f.engine
	case f.clusters[name] == nil:
		return "", kind.ErrNotFound
	case f.deadAPIs[name], f.clusters[name].Status != kind.StatusRunning:
		return "", fmt.Errorf("no answer")
	}
	return f.kubeconfig, nil
}

func (f *fakeClusters) Identity(_ context.Context, name string) (kind.Identity, error) {
	return kind.Identity{Nodes: []string{name}}, nil
}

func (f *fakeClusters) change(change func()) func() {
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		change()
	}
}

func config(name, extra string) string {
	return fmt.Sprintf("resource %q \"test\" {\n  name = %q\n  %s\n}\n", managementcluster.ResourceType, name, extra)
}

func TestIntegrationStatusRepairs(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	expect := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
	}
	running := []statecheck.StateCheck{
		statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("running")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("endpoint"), knownvalue.StringExact("https://127.0.0.1:1")),
	}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("status", ""), ConfigStateChecks: running},
		{
			PreConfig:         fake.change(func() { fake.clusters["status"].Status = kind.StatusStopped }),
			Config:            config("status", ""),
			ConfigPlanChecks:  expect(plancheck.ResourceActionUpdate),
			ConfigStateChecks: running,
		},
		{
			PreConfig:         fake.change(func() { fake.clusters["status"].Status = kind.StatusIncomplete }),
			Config:            config("status", ""),
			ConfigPlanChecks:  expect(plancheck.ResourceActionReplace),
			ConfigStateChecks: running,
		},
		{
			PreConfig:         fake.change(func() { delete(fake.clusters, "status") }),
			Config:            config("status", ""),
			ConfigPlanChecks:  expect(plancheck.ResourceActionCreate),
			ConfigStateChecks: running,
		},
		{
			// An engine that does not answer is no reason to forget a cluster.
			PreConfig:        fake.change(func() { fake.engine = kind.ErrDockerUnreachable }),
			Config:           config("status", ""),
			ConfigPlanChecks: expect(plancheck.ResourceActionNoop),
		},
		{
			PreConfig:         fake.change(func() { fake.engine = nil }),
			Config:            config("status", `node_image = "kindest/node:v1.34.3"`),
			ConfigPlanChecks:  expect(plancheck.ResourceActionReplace),
			ConfigStateChecks: running,
		},
	}
	resource.UnitTest(t, test)
	if fake.started != 1 {
		t.Errorf("stopped nodes were started %d times", fake.started)
	}
	if len(fake.clusters) != 0 {
		t.Errorf("left are %v", fake.clusters)
	}
}

// Whoever makes a cluster behind Terraform's back from something else must see it.
func TestIntegrationDrift(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("drift", "")},
		{
			PreConfig: fake.change(func() { fake.clusters["drift"].Config.MountDockerSocket = false }),
			Config:    config("drift", ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionReplace),
			}},
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationImport(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	full := config("import", `
  node_image             = "kindest/node:v1.34.3"
  mount_docker_socket    = false
  extra_port_mappings    = [{ container_port = 1, host_port = 2, protocol = "SCTP" }]
  extra_mounts           = [{ host_path = "/a", container_path = "/b" }]
  feature_gates          = { A = false }
  kubeadm_config_patches = ["kind: InitConfiguration"]
  labels                 = { a = "b" }
`)
	verify := func(id string) resource.TestStep {
		return resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: id, ImportStateVerify: true}
	}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: full},
		verify("import"),
		verify("kind://import"),
		{ResourceName: address, ImportState: true, ImportStateId: "nobody", ExpectError: regexp.MustCompile(`There is no KinD cluster "nobody"`)},
		{
			PreConfig:    fake.change(func() { fake.clusters["import"].Status = kind.StatusStopped }),
			ResourceName: address, ImportState: true, ImportStateId: "import",
			ExpectError: regexp.MustCompile(`(?s)"import" is stopped.*docker\s+start\s+import-control-plane`),
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationBadInput(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	for name, input := range map[string]struct {
		config  string
		prepare func(*fakeClusters)
		want    string
	}{
		"name":          {config("Not_A_Name", ""), nil, `"Not_A_Name" is not valid`},
		"long name":     {config("a23456789012345678901234567890123456789012345678901", ""), nil, `it has 51\s+characters`},
		"image":         {config("bad", `node_image = "No Image"`), nil, `"No Image" is not valid`},
		"port":          {config("bad", `extra_port_mappings = [{ container_port = 0, host_port = 70000 }]`), nil, `between 1 and 65535`},
		"protocol":      {config("bad", `extra_port_mappings = [{ container_port = 1, host_port = 1, protocol = "HTTP" }]`), nil, `"TCP"`},
		"mount":         {config("bad", `extra_mounts = [{ host_path = "a", container_path = "/b" }]`), nil, `it is a\s+relative path`},
		"patch":         {config("bad", `kubeadm_config_patches = ["x: y"]`), nil, `it has no kind`},
		"label":         {config("bad", `labels = { "a b" = "c" }`), nil, `"a b" is not valid`},
		"timeout":       {config("bad", `timeouts = { create = "soon" }`), nil, `(?i)duration`},
		"no Docker":     {config("bad", ""), func(f *fakeClusters) { f.engine = kind.ErrDockerUnreachable }, `could not reach\s+an engine`},
		"name is taken": {config("bad", ""), func(f *fakeClusters) { f.clusters["bad"] = &kind.Description{} }, `terraform import capi_management_cluster.NAME kind://bad`},
		"remains": {config("bad", ""), func(f *fakeClusters) {
			f.clusters["bad"] = &kind.Description{Status: kind.StatusIncomplete, Node: "bad-control-plane"}
		}, `docker\s+rm\s+-f\s+-v\s+bad-control-plane`},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeClusters(environment)
			if input.prepare != nil {
				input.prepare(fake)
			}
			test := fake.factories()
			test.Steps = []resource.TestStep{{Config: input.config, PlanOnly: true, ExpectError: regexp.MustCompile(input.want)}}
			resource.UnitTest(t, test)
		})
	}
}

// A creation that failed leaves nothing in the state: there is nothing to destroy.
func TestIntegrationFailedCreation(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	fake.creation = &kind.CreateError{Cause: fmt.Errorf("no luck"), Remedy: "Try again."}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("failing", ""), ExpectError: regexp.MustCompile(`(?s)no luck.*Try again\.`)},
		{
			PreConfig: fake.change(func() { fake.creation = nil }),
			Config:    config("failing", ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate),
			}},
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationRefusesToGoWhileClustersExist(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	fake := newFakeClusters(environment)
	cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "in-the-way"}}
	cluster.Spec.Topology.ClassRef.Name = "quick-start"
	cluster.Spec.Topology.Version = "v1.35.0"
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("guarded", `timeouts = { delete = "5s" }`)},
		{
			PreConfig: func() {
				if err := environment.Cluster.Apply(t.Context(), cluster); err != nil {
					t.Fatal(err)
				}
			},
			Config:      config("guarded", `timeouts = { delete = "5s" }`),
			Destroy:     true,
			ExpectError: regexp.MustCompile(`(?s)Clusters\s+exist:\s+default/in-the-way`),
		},
		{
			// With the Cluster gone the management cluster goes too, even if it has to be started to find out.
			PreConfig: func() {
				if err := environment.Cluster.Delete(t.Context(), cluster); err != nil {
					t.Fatal(err)
				}
				fake.change(func() { fake.clusters["guarded"].Status = kind.StatusStopped })()
			},
			Config:  config("guarded", `timeouts = { delete = "5s" }`),
			Destroy: true,
		},
	}
	resource.UnitTest(t, test)
	if fake.started != 1 || len(fake.clusters) != 0 {
		t.Errorf("%d starts, left are %v", fake.started, fake.clusters)
	}
}
