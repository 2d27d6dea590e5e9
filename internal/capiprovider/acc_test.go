// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	providers "github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

const accConfig = `
resource "capi_management_cluster" "test" {
  name = "acc-providers"
}

resource "capi_provider" "test" {
  for_each           = toset(["cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  management_cluster = capi_management_cluster.test.id
  name               = each.key
}

output "ready" {
  value = alltrue([for provider in capi_provider.test : provider.ready])
}
`

// All bundled providers in a real management cluster, by the executable as it is
// released: it is what runs in their pods.
func TestAccProviders(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	acctest.NeedImage(t, managementcluster.DefaultNodeImage)
	acctest.NoLeaks(t, "acc-providers")
	workspace := acctest.NewWorkspace(t)
	workspace.Write("main.tf", accConfig)
	t.Cleanup(func() { workspace.Terraform("destroy", "-auto-approve") })

	workspace.Terraform("apply", "-auto-approve")
	if ready := strings.TrimSpace(workspace.Terraform("output", "ready")); ready != "true" {
		t.Errorf("ready is %s", ready)
	}
	workspace.NeedEmptyPlan()

	expectUpgradePlan(t, bundledVersion(t, workspace))

	const imported = `capi_provider.test["cluster-api"]`
	workspace.Terraform("state", "rm", imported)
	workspace.Terraform("import", imported, "kind://acc-providers/cluster-api")
	workspace.NeedEmptyPlan()

	// Reinstalling what somebody broke is an update in place.
	acctest.Docker(t, "exec", "acc-providers-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf",
		"delete", "validatingwebhookconfiguration", "capi-validating-webhook-configuration")
	if out := workspace.Terraform("apply", "-auto-approve"); !strings.Contains(out, "0 added, 1 changed, 0 destroyed") {
		t.Errorf("not repaired in place:\n%s", out)
	}
	workspace.NeedEmptyPlan()
}

// bundledVersion is the version of Cluster API in the executable. Binaries of tests do not know theirs.
func bundledVersion(t *testing.T, w *acctest.Workspace) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), w.Executable(), "version").Output()
	_, version, found := strings.Cut(strings.TrimSpace(string(out)), "Cluster API ")
	if err != nil || !found {
		t.Fatalf("%s: %v", out, err)
	}
	return version
}

// expectUpgradePlan: unmodified clusterctl plans the upgrade of what is installed to a later version that a repository has.
func expectUpgradePlan(t *testing.T, installed string) {
	t.Helper()
	clusterctl := os.Getenv("CLUSTERCTL")
	if clusterctl == "" {
		t.Log("CLUSTERCTL does not name a clusterctl: its upgrade plan is not looked at")
		return
	}
	const later = "v1.14.99" // of the minor version that is bundled
	folder := t.TempDir()
	var repositories []map[string]string
	for _, provider := range providers.Providers {
		short := provider.Name
		for _, prefix := range []string{"bootstrap-", "control-plane-", "infrastructure-"} {
			short = strings.TrimPrefix(short, prefix)
		}
		for _, version := range []string{installed, later} {
			files := filepath.Join(folder, provider.Name, version)
			if err := os.MkdirAll(files, 0o750); err != nil {
				t.Fatal(err)
			}
			metadata := "apiVersion: clusterctl.cluster.x-k8s.io/v1alpha3\nkind: Metadata\nreleaseSeries:\n- {major: 1, minor: 14, contract: v1beta2}\n"
			if err := os.WriteFile(filepath.Join(files, "metadata.yaml"), []byte(metadata), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		repositories = append(repositories, map[string]string{"name": short, "type": string(provider.Type), "url": filepath.Join(folder, provider.Name, later, "components.yaml")})
	}
	content, err := yaml.Marshal(map[string]any{"providers": repositories, "overridesFolder": filepath.Join(folder, "overrides")})
	if err != nil {
		t.Fatal(err)
	}
	configPath, kubeconfig := filepath.Join(folder, "clusterctl.yaml"), filepath.Join(folder, "kubeconfig")
	text, err := kind.New().KubeConfig(t.Context(), "acc-providers")
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{configPath: string(content), kubeconfig: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), clusterctl, "upgrade", "plan", "--config", configPath, "--kubeconfig", kubeconfig)
	command.Env = append(os.Environ(), "CLUSTERCTL_DISABLE_VERSIONCHECK=true")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("clusterctl upgrade plan: %v\n%s", err, out)
	}
	for _, provider := range providers.Providers {
		line := regexp.MustCompile(provider.Name + ` +` + provider.Namespace + ` +` + string(provider.Type) + ` +` + regexp.QuoteMeta(installed) + ` +` + regexp.QuoteMeta(later))
		if !line.Match(out) {
			t.Errorf("the plan does not have %s:\n%s", provider.Name, out)
		}
	}
}
