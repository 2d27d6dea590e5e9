// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

// Neither a refresh nor a destruction believes that what has the name is the cluster,
// or that what another engine does not have is gone.
func TestIntegrationIdentity(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	const name = "known"
	var node kindtest.Container
	restore := func() {}
	refuses := func(destroy bool, prepare func(), want string) resource.TestStep {
		return resource.TestStep{
			PreConfig: func() {
				restore()
				prepare()
			},
			Config: config(name, ""), Destroy: destroy, ExpectError: regexp.MustCompile(want),
		}
	}
	replaced := func() {
		node = fake.node(t, name)
		fake.docker.Remove(node.Name)
		other := node
		other.ID = "ffffffffffffffff"
		fake.docker.Add(other)
		restore = func() {
			if got := fake.node(t, name).ID; got != other.ID {
				t.Errorf("the other cluster was replaced by %s", got)
			}
			fake.docker.Remove(node.Name)
			fake.docker.Add(node)
		}
	}
	elsewhere := func() { restore = fake.docker.Replace() }
	lost := func() {
		node = fake.node(t, name)
		fake.docker.Edit(node.Name, func(c *kindtest.Container) { delete(c.Files, "/etc/kubernetes/admin.conf") })
		restore = func() { fake.docker.Edit(node.Name, func(c *kindtest.Container) { c.Files = node.Files }) }
	}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config(name, "")},
		refuses(false, replaced, "Another management cluster answers"),
		refuses(true, replaced, "Another management cluster answers"),
		refuses(false, elsewhere, "Another Docker engine answers"),
		refuses(true, elsewhere, "Another Docker engine answers"),
		refuses(false, lost, "Management cluster cannot be asked"),
		refuses(true, lost, "Management cluster cannot be asked"),
		{
			PreConfig:        func() { restore() },
			Config:           config(name, ""),
			ConfigPlanChecks: expect(plancheck.ResourceActionNoop),
		},
	}
	resource.UnitTest(t, test)
	fake.expectNothing(t)
}

// What an apply made that was killed, the next one takes over.
func TestIntegrationTakesOver(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	process := fake.docker.Process(-1)
	_, err := kind.NewFor(process, kind.DefaultLapse).Create(t.Context(), kind.Config{Name: "killed", NodeImage: image, MountDockerSocket: true})
	if err != nil {
		t.Fatal(err)
	}
	process.Kill()
	fake.docker.Advance(2 * kind.DefaultLapse)
	id := fake.node(t, "killed").ID
	test := fake.factories()
	test.Steps = []resource.TestStep{{
		Config:           config("killed", ""),
		ConfigPlanChecks: expect(plancheck.ResourceActionCreate),
		Check: func(*terraform.State) error {
			if diff := cmp.Diff([]string{kind.NodeName("killed")}, fake.docker.Names()); diff != "" {
				return fmt.Errorf("containers: %s", diff)
			}
			if got := fake.node(t, "killed").ID; got != id {
				return fmt.Errorf("the cluster was made again")
			}
			return nil
		},
	}}
	resource.UnitTest(t, test)
	fake.expectNothing(t)
}

// The user's kubeconfig gets a context, which redirects nobody, and loses no other.
func TestIntegrationKubeconfigPath(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	file := filepath.Join(t.TempDir(), "config")
	content := clientcmdapi.NewConfig()
	content.Contexts["work"] = clientcmdapi.NewContext()
	content.CurrentContext = "work"
	if err := clientcmd.WriteToFile(*content, file); err != nil {
		t.Fatal(err)
	}
	expectContexts := func(want ...string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			got, err := clientcmd.LoadFromFile(file)
			if err != nil {
				return err
			}
			if len(got.Contexts) != len(want) || got.CurrentContext != "work" {
				return fmt.Errorf("contexts are %v, current is %q", got.Contexts, got.CurrentContext)
			}
			for _, name := range want {
				if got.Contexts[name] == nil {
					return fmt.Errorf("there is no context %s", name)
				}
			}
			return nil
		}
	}
	path := fmt.Sprintf("kubeconfig_path = %q", file)
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("merged", path), Check: expectContexts("kind-merged", "work")},
		{Config: config("merged", ""), Check: expectContexts("work")},
		{Config: config("merged", path), Check: expectContexts("kind-merged", "work")},
		{
			PreConfig: func() {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				if err := clientcmd.WriteToFile(*content, file); err != nil {
					t.Fatal(err)
				}
			},
			Config: config("merged", path), ConfigPlanChecks: expect(plancheck.ResourceActionUpdate), Check: expectContexts("kind-merged", "work"),
		},
	}
	resource.UnitTest(t, test)
	if err := expectContexts("work")(nil); err != nil {
		t.Error(err)
	}
}
