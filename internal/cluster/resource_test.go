// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster/clustertest"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const address = cluster.ResourceType + ".test"

// clusterHCL is a cluster and the class that it is made of.
type clusterHCL struct {
	Name           string
	Version        string
	Workers        int
	Variables      string
	ClassVariables string
	Extra          string
}

func (c clusterHCL) String() string {
	return c.class() + fmt.Sprintf(`
resource "capi_cluster" "test" {
  management_cluster = "kind://envtest"
  name               = %[1]q
  labels             = { tier = "test" }
  topology = {
    class         = capi_cluster_class.test.name
    version       = %[2]q
    control_plane = { replicas = 1 }
    workers       = { machine_deployments = { md-0 = { class = "default-worker", replicas = %[3]d } } }
    variables     = { %[4]s }
  }
  cluster_network = { pods = ["10.10.0.0/16"], services = ["10.20.0.0/16"], service_domain = "cluster.local" }
  %[5]s
}
`, c.Name, c.Version, c.Workers, c.Variables, c.Extra)
}

func (c clusterHCL) class() string {
	template := func(group, kind, spec string) string {
		return fmt.Sprintf(`{ template = { api_version = "%s.cluster.x-k8s.io/v1beta2", kind = %q, spec = { %s } } }`, group, kind, spec)
	}
	return fmt.Sprintf(`
resource "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  name               = "%[1]s-class"
  infrastructure     = %[2]s
  control_plane      = merge(%[3]s, { machine_infrastructure = %[4]s })
  workers            = { machine_deployments = { default-worker = { bootstrap = %[5]s, infrastructure = %[4]s } } }
  variables = {
    imageRepository = { schema = { type = "string", default = "" } }
    size            = { schema = { type = "integer", minimum = 1, maximum = 9, default = 3 } }
    %[6]s
  }
}
`, c.Name, template("infrastructure", "DockerClusterTemplate", ""),
		template("controlplane", "KubeadmControlPlaneTemplate", `kubeadmConfigSpec = { format = "cloud-config" }`),
		template("infrastructure", "DockerMachineTemplate", ""), template("bootstrap", "KubeadmConfigTemplate", `format = "cloud-config"`),
		c.ClassVariables)
}

type environment struct {
	*acctest.Environment
	provider    acctest.Provider
	controllers *clustertest.Controllers
}

func setUp(t *testing.T) environment {
	t.Helper()
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	return environment{Environment: env, controllers: clustertest.Start(t, env.Cluster), provider: acctest.Provider{
		Resolver:     env.Resolver(),
		ResourceList: []func() tfresource.Resource{clusterclass.NewResource, cluster.NewResource},
	}}
}

func (e environment) get(t *testing.T, name string) *clusterv1.Cluster {
	t.Helper()
	c := &clusterv1.Cluster{}
	if err := e.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: name}, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (e environment) edit(t *testing.T, name string, change func(*clusterv1.Cluster)) {
	t.Helper()
	// The controllers write to it as well.
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		c := e.get(t, name)
		change(c)
		return e.Cluster.Update(t.Context(), c)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// delete deletes a cluster, and waits until it is gone.
func (e environment) delete(t *testing.T, name string) {
	t.Helper()
	if err := e.Cluster.Delete(t.Context(), e.get(t, name)); err != nil {
		t.Fatal(err)
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := e.Cluster.Get(ctx, client.ObjectKey{Namespace: "default", Name: name}, &clusterv1.Cluster{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Fatalf("Cluster %s is not gone: %v", name, err)
	}
}

func action(what plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, what)}}
}

func ready(want bool) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New("ready"), knownvalue.Bool(want))
}

// A cluster comes up, is scaled and upgraded in place, is imported, and goes.
func TestIntegrationCluster(t *testing.T) {
	env := setUp(t)
	created := clusterHCL{Name: "life", Version: "v1.34.3", Workers: 1, Variables: `imageRepository = "example.com"`}
	scaled, upgraded := created, created
	scaled.Workers = 3
	upgraded.Workers, upgraded.Version = 3, "v1.35.0"
	relabelled := upgraded
	relabelled.Extra = `annotations = { "example.com/owner" = "me" }`
	versions := func(want string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(address, tfjsonpath.New("kubernetes_versions"), knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact(want)}))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: created.String(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate),
					// Who refers to the id must not do so before the cluster exists.
					plancheck.ExpectUnknownValue(address, tfjsonpath.New("id")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					ready(true), versions("v1.34.3"),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://envtest/default/life")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("phase"), knownvalue.StringExact("Provisioned")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("endpoint"), knownvalue.ObjectExact(map[string]knownvalue.Check{
						"host": knownvalue.StringExact("life-lb"), "port": knownvalue.Int64Exact(6443),
					})),
				},
			},
			{Config: scaled.String(), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: []statecheck.StateCheck{ready(true)}},
			{Config: upgraded.String(), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: []statecheck.StateCheck{ready(true), versions("v1.35.0")}},
			{Config: relabelled.String(), ConfigPlanChecks: action(plancheck.ResourceActionUpdate)},
			{
				ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/default/life",
				ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"},
			},
			{
				// Taking annotations out of the configuration takes them off the object.
				Config: upgraded.String(), ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
				Check: func(*terraform.State) error {
					if owner, ok := env.get(t, "life").Annotations["example.com/owner"]; ok {
						return fmt.Errorf("the annotation is still there: %q", owner)
					}
					return nil
				},
			},
		},
		CheckDestroy: func(*terraform.State) error {
			machines := &clusterv1.MachineList{}
			err := env.Cluster.List(t.Context(), machines, client.MatchingLabels{clusterv1.ClusterNameLabel: "life"})
			if err == nil && len(machines.Items) > 0 {
				return fmt.Errorf("%d machines left behind", len(machines.Items))
			}
			return err
		},
	})
}

// A declared field that is changed behind Terraform's back comes back. What
// defaulting, controllers and other people add is nobody's difference.
func TestIntegrationClusterDrift(t *testing.T) {
	env := setUp(t)
	config := clusterHCL{Name: "drift", Version: "v1.34.3", Workers: 1, Variables: `imageRepository = "example.com"`}.String()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: func() {
					env.edit(t, "drift", func(c *clusterv1.Cluster) {
						c.Spec.Topology.Variables = append(c.Spec.Topology.Variables, clusterv1.ClusterVariable{Name: "size", Value: jsonValue("3")})
						c.Labels["somebody"] = "else"
						c.Spec.Topology.Workers.MachineDeployments = append(c.Spec.Topology.Workers.MachineDeployments,
							clusterv1.MachineDeploymentTopology{Name: "not-ours", Class: "default-worker", Replicas: ptr.To[int32](0)})
					})
				},
				Config: config, PlanOnly: true,
			},
			{
				PreConfig: func() {
					env.edit(t, "drift", func(c *clusterv1.Cluster) {
						c.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](2)
						c.Spec.Topology.Variables[0].Value = jsonValue(`"elsewhere.com"`)
						c.Labels["tier"] = "changed"
					})
				},
				Config: config, ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
				Check: func(*terraform.State) error {
					c := env.get(t, "drift")
					if *c.Spec.Topology.Workers.MachineDeployments[0].Replicas != 1 || c.Labels["tier"] != "test" || c.Labels["somebody"] != "else" {
						return fmt.Errorf("not as declared: %v, %v", c.Labels, c.Spec.Topology)
					}
					return nil
				},
			},
			{
				PreConfig: func() { env.delete(t, "drift") },
				Config:    config, ConfigPlanChecks: action(plancheck.ResourceActionCreate),
			},
		},
	})
}

// A wait that times out leaves an untainted cluster, and the next apply resumes.
func TestIntegrationClusterTimeoutResumes(t *testing.T) {
	env := setUp(t)
	key := client.ObjectKey{Namespace: "default", Name: "slow"}
	slow := clusterHCL{Name: "slow", Version: "v1.34.3", Workers: 1, Extra: `timeouts = { create = "2s", update = "60s" }`}
	env.controllers.Hold(key)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config:             slow.String(),
				ConfigStateChecks:  []statecheck.StateCheck{ready(false)},
				ExpectNonEmptyPlan: true,
			},
			{
				PreConfig: func() { env.controllers.Release(key) },
				Config:    slow.String(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					// Not a replacement: that is what a tainted resource would get.
					expectUpdateOrNothing{},
				}},
				ConfigStateChecks: []statecheck.StateCheck{ready(true)},
			},
		},
	})
}

// With on_timeout = "error" it is an error, whose text says what is missing.
func TestIntegrationClusterTimeoutError(t *testing.T) {
	env := setUp(t)
	key := client.ObjectKey{Namespace: "default", Name: "stuck"}
	env.controllers.Hold(key)
	stuck := clusterHCL{Name: "stuck", Version: "v1.34.3", Workers: 1, Extra: "on_timeout = \"error\"\n  timeouts = { create = \"2s\" }"}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{{
			Config:      stuck.String(),
			ExpectError: says(`Timed out waiting.*Control plane: not created yet.*MachineDeployment md-0: not created yet.*terraform untaint`),
		}, {
			PreConfig: func() { env.controllers.Release(key) },
			Config:    clusterHCL{Name: "other", Version: "v1.34.3", Workers: 0}.String(),
		}},
	})
}

// Without waiting, nothing waits, and the second plan is empty all the same.
func TestIntegrationClusterWithoutWait(t *testing.T) {
	env := setUp(t)
	key := client.ObjectKey{Namespace: "default", Name: "patient"}
	env.controllers.Hold(key)
	t.Cleanup(func() { env.controllers.Release(key) })
	config := clusterHCL{Name: "patient", Version: "v1.34.3", Workers: 1, Extra: "wait_for = \"none\""}.String()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{{Config: config, ConfigStateChecks: []statecheck.StateCheck{ready(false)}},
			{PreConfig: func() { env.controllers.Release(key) }, Config: config, PlanOnly: true}},
	})
}

// The network plugin is an annotation, or manifests in Secrets that follow their
// list.
func TestIntegrationClusterCNI(t *testing.T) {
	env := setUp(t)
	config := func(cni string) string {
		return clusterHCL{Name: "cni", Version: "v1.34.3", Extra: cni}.String()
	}
	configMaps := func(names ...string) string {
		var list []string
		for _, name := range names {
			list = append(list, fmt.Sprintf("%q", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+name+"}\n"))
		}
		return strings.Join(list, ", ")
	}
	// Two objects of 600 kB, and a small one.
	large := `cni = { manifests = [join("---\n", [for n in ["a", "b"] :
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${n}}\ndata: {a: \"${format("%0600000d", 0)}\"}\n"]), ` + configMaps("d") + `] }`
	secrets := func(want int) resource.TestCheckFunc {
		return func(*terraform.State) error {
			found := &corev1.SecretList{}
			if err := env.Cluster.List(t.Context(), found, client.MatchingLabels{"terraform-capi.io/cni": "cni"}); err != nil {
				return err
			}
			if len(found.Items) != want {
				return fmt.Errorf("%d Secrets with manifests, want %d", len(found.Items), want)
			}
			return nil
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config(`cni = { name = "kindnet" }`),
				Check: func(*terraform.State) error {
					if value := env.get(t, "cni").Annotations[dockerv1.CNIAnnotation]; value != dockerv1.CNINodeImage {
						return fmt.Errorf("annotation %s is %q", dockerv1.CNIAnnotation, value)
					}
					return nil
				},
			},
			{ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/default/cni", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"}},
			{Config: config(`cni = { manifests = [` + configMaps("a", "b") + `] }`), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: secrets(2)},
			{ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/default/cni", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"}},
			{
				PreConfig: func() {
					secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "cni-cni-1"}}
					if err := env.Cluster.Delete(t.Context(), secret); err != nil {
						t.Fatal(err)
					}
				},
				Config: config(`cni = { manifests = [` + configMaps("a", "b") + `] }`), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: secrets(2),
			},
			{
				Config: config(`cni = { manifests = [` + configMaps("c") + `] }`),
				Check: resource.ComposeTestCheckFunc(secrets(1), func(*terraform.State) error {
					set := &addonsv1.ClusterResourceSet{}
					if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "cni-cni"}, set); err != nil {
						return err
					}
					if len(set.Spec.Resources) != 1 || set.Spec.ClusterSelector.MatchLabels["terraform-capi.io/cni"] != "cni" {
						return fmt.Errorf("ClusterResourceSet is %+v", set.Spec)
					}
					return nil
				}),
			},
			// What no Secret can hold is in several.
			{Config: config(large), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: secrets(3)},
			{Config: config(`cni = { manifests = [` + configMaps("c") + `] }`), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: secrets(1)},
		},
	})
}

// A cluster that somebody else made is not taken over, one that an interrupted
// apply left is.
func TestIntegrationClusterExists(t *testing.T) {
	env := setUp(t)
	foreign := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "foreign"}}
	foreign.Spec.Topology = clusterv1.Topology{ClassRef: clusterv1.ClusterClassRef{Name: "another-class"}, Version: "v1.34.3"}
	if err := env.Cluster.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Cluster.Delete(t.Context(), foreign) })
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{{
			Config:      clusterHCL{Name: "foreign", Version: "v1.34.3"}.String(),
			PlanOnly:    true,
			ExpectError: says(`Already exists.*terraform import capi_cluster\.NAME kind://envtest/default/foreign`),
		}},
	})
}

// A management cluster that does not answer changes nothing in the plan, one that
// is gone takes what lived in it along.
func TestIntegrationClusterWithoutManagementCluster(t *testing.T) {
	env := setUp(t)
	engine := env.Engine()
	resolver := management.NewResolver(nil, engine)
	env.provider.Resolver = resolver
	becomes := func(kubeconfig string) func() {
		return func() {
			resolver.Forget(management.KindID(acctest.KindName))
			engine.Kubeconfigs[acctest.KindName] = kubeconfig
			if kubeconfig == "" {
				delete(engine.Kubeconfigs, acctest.KindName)
			}
		}
	}
	nobody := regexp.MustCompile(`server: .*`).ReplaceAllString(env.Kubeconfig, "server: https://127.0.0.1:1")
	config := clusterHCL{Name: "lonely", Version: "v1.34.3", Workers: 1}.String()
	t.Cleanup(func() {
		for _, left := range []client.Object{
			&clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lonely"}},
			&clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lonely-class"}},
		} {
			if err := env.Cluster.Delete(context.WithoutCancel(t.Context()), left); err != nil {
				t.Errorf("%T was not left alone: %v", left, err)
			}
		}
	})
	create := action(plancheck.ResourceActionCreate)
	create.PreApply = append(create.PreApply, plancheck.ExpectResourceAction(clusterclass.ResourceType+".test", plancheck.ResourceActionCreate))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{PreConfig: becomes(nobody), Config: config, PlanOnly: true},
			{PreConfig: becomes(""), Config: config, ConfigPlanChecks: create, ExpectError: says("Management cluster not found")},
			// It was there all the while. Terraform made it, but has it in no state any
			// more, and so leaves it alone.
			{PreConfig: becomes(env.Kubeconfig), Config: config, PlanOnly: true, ExpectError: says("Already exists.*terraform import")},
		},
	})
}

// What is wrong is said at plan, and of which attribute.
func TestIntegrationClusterMistakes(t *testing.T) {
	env := setUp(t)
	existing := clusterHCL{Name: "mistakes", Version: "v1.34.3", Workers: 1}
	with := func(change func(*clusterHCL)) string {
		c := existing
		change(&c)
		return c.String()
	}
	replaced := func(old, replacement string) string {
		if !strings.Contains(existing.String(), old) {
			t.Fatalf("the configuration has no %q", old)
		}
		return strings.Replace(existing.String(), old, replacement, 1)
	}
	steps := []resource.TestStep{{Config: existing.String()}}
	for _, mistake := range []struct{ config, want string }{
		{with(func(c *clusterHCL) { c.Version = "v1.33.0" }), `Invalid cluster.*cannot be downgraded`},
		{with(func(c *clusterHCL) { c.Version = "v1.36.0" }), `Invalid cluster.*one minor version at a time`},
		{with(func(c *clusterHCL) { c.Version = "1.34.3" }), `Invalid value.*leading v`},
		{with(func(c *clusterHCL) { c.Variables = "nope = 1" }), `Invalid cluster.*nope`},
		{with(func(c *clusterHCL) { c.Variables = "size = 12" }), `Invalid cluster.*size.*less than or equal to 9`},
		{with(func(c *clusterHCL) { c.Variables = "size = \"big\"" }), `Invalid cluster.*size.*integer`},
		{replaced(`class = "default-worker"`, `class = "no-such-class"`), `Invalid cluster.*no-such-class`},
		{replaced(`class = "default-worker"`, `class = "default-worker", repliclas = 1`), `Unsupported attribute.*repliclas`},
		{replaced("10.10.0.0/16", "10.10.0.0"), `Invalid value.*10\.10\.0\.0`},
		{replaced(`replicas = 1 }`, `replicas = -1 }`), `replicas.*between 0 and`},
	} {
		steps = append(steps, resource.TestStep{Config: mistake.config, PlanOnly: true, ExpectError: says(mistake.want)})
	}
	// A variable that the class gets in the same apply is not a mistake.
	steps = append(steps, resource.TestStep{Config: with(func(c *clusterHCL) {
		c.ClassVariables, c.Variables = `added = { schema = { type = "string", default = "" } }`, `added = "yes"`
	})})
	// A class that no longer fits a cluster that stays as it is, is one.
	steps = append(steps, resource.TestStep{
		Config: with(func(c *clusterHCL) { c.Variables = "size = 9" }),
	}, resource.TestStep{
		Config:   strings.Replace(with(func(c *clusterHCL) { c.Variables = "size = 9" }), "maximum = 9", "maximum = 8", 1),
		PlanOnly: true, ExpectError: says("Invalid cluster.*size.*less than or equal to 8"),
	})
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: env.provider.Factories(), Steps: steps})
}

// The examples that the documentation shows are valid, and come up.
func TestIntegrationExamples(t *testing.T) {
	env := setUp(t)
	read := func(resourceType string) string {
		folder, err := filepath.Abs(filepath.Join("..", "..", "examples", "resources", resourceType))
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(folder, "resource.tf"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.NewReplacer("capi_management_cluster.mgmt.id", `"kind://envtest"`, "depends_on = [capi_provider.this]", "",
			"${path.module}", folder).Replace(string(content))
	}
	const quickstart = cluster.ResourceType + ".quickstart"
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{{
			Config:            read(clusterclass.ResourceType) + read(cluster.ResourceType),
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue(quickstart, tfjsonpath.New("ready"), knownvalue.Bool(true))},
		}, {
			ResourceName: quickstart, ImportState: true, ImportStateId: "kind://envtest/default/capi-quickstart",
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"},
		}},
	})
}

// A class that does not exist is said before anything is made.
//
// The guide's common error "Cluster.spec.topology.class not found".
func TestIntegrationClusterWithoutClass(t *testing.T) {
	env := setUp(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{{
			Config: `
resource "capi_cluster" "test" {
  management_cluster = "kind://envtest"
  name               = "classless"
  namespace          = "kube-public"
  topology           = { class = "nowhere", version = "v1.34.3" }
}`,
			ExpectError: says(`ClusterClass not found.*ClusterClass nowhere not found in namespace kube-public.*capi_cluster_class`),
		}},
	})
}

// says matches a diagnostic, wherever Terraform breaks its lines.
func says(pattern string) *regexp.Regexp {
	return regexp.MustCompile("(?s)" + strings.ReplaceAll(pattern, " ", "\\s+"))
}

// expectUpdateOrNothing passes whether or not the cluster became ready by itself
// before the plan.
type expectUpdateOrNothing struct{}

func (expectUpdateOrNothing) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	if len(req.Plan.ResourceChanges) == 0 {
		resp.Error = errors.New("the plan has no resource")
	}
	for _, change := range req.Plan.ResourceChanges {
		if actions := change.Change.Actions; !actions.NoOp() && !actions.Update() {
			resp.Error = fmt.Errorf("%s: %v, want an update at most", change.Address, actions)
		}
	}
}

func jsonValue(raw string) apiextensionsv1.JSON { return apiextensionsv1.JSON{Raw: []byte(raw)} }
