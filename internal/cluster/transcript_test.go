// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// transcripts are changes of one cluster, one after the other. Each is planned,
// compared with its transcript, and applied.
var transcripts = []struct {
	name   string
	change func(*plannedHCL)
}{
	{"create", func(*plannedHCL) {}},
	{"scale", func(c *plannedHCL) { c.Workers = "replicas = 3" }},
	{"labels", func(c *plannedHCL) { c.Labels = `{ tier = "test", team = "a" }` }},
	{"variable-rolls", func(c *plannedHCL) { c.Variables = `size = 5` }},
	{"variable-of-no-patch", func(c *plannedHCL) { c.Variables = `size = 5, note = "hello"` }},
	{"upgrade", func(c *plannedHCL) { c.Version = "v1.35.0" }},
	{"class-template", func(c *plannedHCL) { c.WorkerBootstrap = `format = "cloud-config", preKubeadmCommands = ["true"]` }},
	{"chained-upgrade", func(c *plannedHCL) {
		c.Versions = `kubernetes_versions = ["v1.35.0", "v1.36.0", "v1.37.0"]`
		c.Version = "v1.37.0"
	}},
	{"remove-workers", func(c *plannedHCL) { c.Workers = "" }},
}

// plannedHCL is a cluster and its class with all that the transcripts change.
type plannedHCL struct {
	Version, Workers, Labels, Variables, WorkerBootstrap, Versions string
}

func (c plannedHCL) String() string {
	workers := ""
	if c.Workers != "" {
		workers = `workers = { machine_deployments = { md-0 = { class = "default-worker", ` + c.Workers + ` } } }`
	}
	return strings.NewReplacer("VERSIONS", c.Versions, "VERSION", c.Version, "WORKERS", workers, "LABELS", c.Labels,
		"VARIABLES", c.Variables, "BOOTSTRAP", c.WorkerBootstrap).Replace(`
resource "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  name               = "transcript-class"
  infrastructure = {
    template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerClusterTemplate", spec = {} }
  }
  control_plane = {
    template = {
      api_version = "controlplane.cluster.x-k8s.io/v1beta2", kind = "KubeadmControlPlaneTemplate"
      spec        = { kubeadmConfigSpec = { format = "cloud-config" } }
    }
    machine_infrastructure = {
      template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerMachineTemplate", spec = {} }
    }
  }
  workers = {
    machine_deployments = {
      default-worker = {
        bootstrap = {
          template = { api_version = "bootstrap.cluster.x-k8s.io/v1beta2", kind = "KubeadmConfigTemplate", spec = { BOOTSTRAP } }
        }
        infrastructure = {
          template = { api_version = "infrastructure.cluster.x-k8s.io/v1beta2", kind = "DockerMachineTemplate", spec = {} }
        }
      }
    }
  }
  variables = {
    note = { schema = { type = "string", default = "" } }
    size = { schema = { type = "integer", minimum = 1, maximum = 9, default = 3 } }
  }
  patches = [{
    name = "size"
    definitions = [{
      selector = {
        api_version     = "infrastructure.cluster.x-k8s.io/v1beta2"
        kind            = "DockerMachineTemplate"
        match_resources = { machine_deployment_class = { names = ["default-worker"] } }
      }
      json_patches = [{ op = "add", path = "/spec/template/spec/customImage", value_from = { template = "image:{{ .size }}" } }]
    }]
  }]
  VERSIONS
}

resource "capi_cluster" "test" {
  management_cluster = "kind://envtest"
  name               = "transcript"
  labels             = LABELS
  topology = {
    class         = capi_cluster_class.test.name
    version       = "VERSION"
    control_plane = { replicas = 3 }
    WORKERS
    variables     = { VARIABLES }
  }
}
`)
}

// The plans of a cluster's life, as Terraform prints them.
func TestIntegrationTranscripts(t *testing.T) {
	env := setUp(t)
	w := env.provider.NewWorkspace(t)
	config := plannedHCL{
		Version: "v1.34.3", Workers: "replicas = 2", Labels: `{ tier = "test" }`, WorkerBootstrap: `format = "cloud-config"`,
	}
	t.Cleanup(func() { w.Terraform("destroy", "-auto-approve") })
	for _, step := range transcripts {
		step.change(&config)
		w.Write("main.tf", config.String())
		compareTranscript(t, step.name, w.Terraform("plan", "-out=saved"))
		w.Terraform("apply", "saved")
	}
}

// volatile are the parts of a plan that no two runs have in common.
var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}`)

func compareTranscript(t *testing.T, name, plan string) {
	t.Helper()
	_, plan, _ = strings.Cut(acctest.PlanText(plan), "Terraform will perform the following actions:\n\n")
	acctest.Golden(t, "plans/"+name, volatile.ReplaceAllString(strings.TrimSpace(plan), "UID")+"\n")
}
