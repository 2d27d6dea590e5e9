// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
)

const secondProviderConfig = `
resource "capi_management_cluster" "this" {
  name = %[1]q
}

resource "capi_provider" "core" {
  management_cluster = capi_management_cluster.this.id
  name               = "cluster-api"
}

resource "capi_provider" "others" {
  for_each           = toset(["bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  management_cluster = capi_management_cluster.this.id
  name               = each.key
  depends_on         = [capi_provider.core]
}

resource "capi_cluster_class" "this" {
  management_cluster = capi_management_cluster.this.id
  name               = "quick-start"
  manifest           = file("class.yaml")
  depends_on         = [capi_provider.others]
}

resource "capi_cluster" "this" {
  management_cluster = capi_management_cluster.this.id
  name               = %[2]q
  topology = {
    class         = capi_cluster_class.this.name
    version       = %[3]q
    control_plane = { replicas = 1 }
  }
  cni = { name = "kindnet" }
}

ephemeral "capi_kubeconfig" "this" {
  cluster_id = capi_cluster.this.id
  user       = "terraform"
  groups     = ["kubeadm:cluster-admins"]
  ttl        = "1h"
}

# What is made by the same apply is what this provider works on.
provider "capi" {
  alias                  = "workload"
  host                   = ephemeral.capi_kubeconfig.this.host
  cluster_ca_certificate = ephemeral.capi_kubeconfig.this.cluster_ca_certificate
  client_certificate     = ephemeral.capi_kubeconfig.this.client_certificate
  client_key             = ephemeral.capi_kubeconfig.this.client_key
}

resource "capi_provider" "workload" {
  provider = capi.workload
  name     = "cluster-api"
  image    = %[4]q
}

output "ready" {
  value = capi_provider.workload.ready
}
`

// TestAccSecondProvider makes everything from nothing in one apply, and in the cluster that it makes installs Cluster API by a
// second provider, which gets credentials of its own that are stored nowhere. CLIS are the paths of the programs that it is to
// work with, besides the one of all tests.
func TestAccSecondProvider(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	acctest.NeedImage(t, "kindest/node:"+oldVersion)
	programs := append([]string{os.Getenv("TF_ACC_TERRAFORM_PATH")}, filepath.SplitList(os.Getenv("CLIS"))...)
	for i, program := range programs {
		t.Run(filepath.Base(program), func(t *testing.T) {
			t.Setenv("TF_ACC_TERRAFORM_PATH", program)
			expectSecondProvider(t, fmt.Sprintf("acc-second-%d", i))
		})
	}
}

func expectSecondProvider(t *testing.T, name string) {
	t.Helper()
	acctest.NoLeaks(t, name)
	g := NewWithT(t)
	w := acctest.NewWorkspace(t)
	image := loadIntoEngine(t, g, w.Executable())
	w.Write("main.tf", fmt.Sprintf(secondProviderConfig, name, name+"-web", oldVersion, image))
	class, err := os.ReadFile("../../examples/hcp-terraform/class.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	// No registry has the image.
	w.Write("class.yaml", withPreloaded(string(class), image))
	t.Cleanup(func() { w.Terraform("destroy", "-auto-approve") })

	w.Terraform("apply", "-auto-approve")
	w.NeedEmptyPlan()
	state := w.Read("terraform.tfstate")
	g.Expect(state).NotTo(ContainSubstring("PRIVATE KEY"))

	g.Expect(strings.TrimSpace(w.Terraform("output", "ready"))).To(Equal("true"), "the controllers in the workload cluster work")
}

// withPreloaded gives the machines of a class an image that no registry has.
func withPreloaded(class, image string) string {
	const machine = "kind: DockerMachineTemplate\nmetadata:\n  name: quick-start\nspec:\n  template:\n    spec: "
	return strings.Replace(class, machine+"{}", machine+"{preLoadImages: ["+image+"]}", 1)
}

// loadIntoEngine gives the Docker engine the image of the controllers, and returns its name.
func loadIntoEngine(t *testing.T, g Gomega, executable string) string {
	t.Helper()
	image, err := bundle.FromFile(executable)
	g.Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(t.TempDir(), "image.tar")
	file, err := os.Create(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(image.Write(file)).To(Succeed())
	g.Expect(file.Close()).To(Succeed())
	acctest.Docker(t, "load", "--input", path)
	t.Cleanup(func() { acctest.Docker(t, "image", "rm", image.Reference) })
	return image.Reference
}
