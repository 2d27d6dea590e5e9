// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// object is a part of a configuration.
type object = map[string]any

func dockerTemplate(kind string, spec object) object {
	group := map[string]string{"KubeadmControlPlaneTemplate": "controlplane", "KubeadmConfigTemplate": "bootstrap"}[kind]
	if group == "" {
		group = "infrastructure"
	}
	return object{"template": object{"api_version": group + ".cluster.x-k8s.io/v1beta2", "kind": kind, "spec": spec}}
}

// configuration is a class and a cluster of it, as maps that edits change.
type configuration struct{ class, cluster object }

func newConfiguration(name string) *configuration {
	controlPlane := dockerTemplate("KubeadmControlPlaneTemplate", object{"kubeadmConfigSpec": object{"format": "cloud-config"}})
	controlPlane["machine_infrastructure"] = dockerTemplate("DockerMachineTemplate", object{})
	return &configuration{
		class: object{
			"management_cluster": "kind://envtest", "name": name + "-class",
			"infrastructure": dockerTemplate("DockerClusterTemplate", object{}), "control_plane": controlPlane,
			"workers": object{"machine_deployments": object{"default-worker": object{
				"bootstrap":      dockerTemplate("KubeadmConfigTemplate", object{"format": "cloud-config"}),
				"infrastructure": dockerTemplate("DockerMachineTemplate", object{}),
			}}},
			"variables": object{
				"note": object{"schema": object{"type": "string", "default": ""}},
				"size": object{"schema": object{"type": "integer", "minimum": 1, "maximum": 9, "default": 3}},
			},
			"patches": []any{object{"name": "size", "definitions": []any{object{
				"selector": object{
					"api_version": "infrastructure.cluster.x-k8s.io/v1beta2", "kind": "DockerMachineTemplate",
					"match_resources": object{"machine_deployment_class": object{"names": []any{"default-worker"}}},
				},
				"json_patches": []any{object{
					"op": "add", "path": "/spec/template/spec/customImage", "value_from": object{"template": "image:{{ .size }}"},
				}},
			}}}},
		},
		cluster: object{
			"management_cluster": "kind://envtest", "name": name,
			"on_timeout": "error", "timeouts": object{"create": "1m", "update": "1m"},
			"topology": object{
				"class": name + "-class", "version": "v1.34.0", "control_plane": object{"replicas": 1},
				"workers":   object{"machine_deployments": object{"md-0": object{"class": "default-worker", "replicas": 1}}},
				"variables": object{},
			},
		},
	}
}

// in finds an object inside the configuration, and makes it if need be.
func in(o object, path ...string) object {
	for _, name := range path {
		next, ok := o[name].(object)
		if !ok {
			next = object{}
			o[name] = next
		}
		o = next
	}
	return o
}

// edits change something each.
var edits = map[string]func(r *rand.Rand, c *configuration){
	"label": func(r *rand.Rand, c *configuration) { in(c.cluster, "labels")["tier"] = word(r) },
	"annotation": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "annotations")["example.com/"+word(r)] = word(r)
	},
	"no annotations": func(_ *rand.Rand, c *configuration) { delete(c.cluster, "annotations") },
	"workers": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments", "md-0")["replicas"] = r.IntN(3)
	},
	"control plane": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "control_plane")["replicas"] = 1 + 2*r.IntN(2)
	},
	"another machine deployment": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments")["md-1"] = object{"class": "default-worker", "replicas": r.IntN(2)}
	},
	"one machine deployment": func(_ *rand.Rand, c *configuration) {
		delete(in(c.cluster, "topology", "workers", "machine_deployments"), "md-1")
	},
	"autoscaler": func(_ *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments")["md-1"] = object{
			"class": "default-worker", "autoscaler": object{"min_size": 1, "max_size": 3},
		}
	},
	"variable":       func(r *rand.Rand, c *configuration) { in(c.cluster, "topology", "variables")["size"] = 1 + r.IntN(9) },
	"other variable": func(r *rand.Rand, c *configuration) { in(c.cluster, "topology", "variables")["note"] = word(r) },
	"no variables":   func(_ *rand.Rand, c *configuration) { in(c.cluster, "topology")["variables"] = object{} },
	"null variables": func(_ *rand.Rand, c *configuration) { in(c.cluster, "topology")["variables"] = nil },
	"override": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments", "md-0", "variables")["size"] = 1 + r.IntN(9)
	},
	"set labels": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments", "md-0", "metadata", "labels")["x"] = word(r)
	},
	"drain time-out": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "control_plane", "deletion")["node_drain_timeout_seconds"] = r.IntN(9)
	},
	"min ready": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments", "md-0")["min_ready_seconds"] = r.IntN(2)
	},
	"failure domain": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments", "md-0")["failure_domain"] = word(r)
	},
	"strategy": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "workers", "machine_deployments", "md-0", "rollout")["strategy"] = object{"type": "RollingUpdate", "rolling_update": object{"max_surge": fmt.Sprint(1 + r.IntN(2)), "max_unavailable": "0"}}
	},
	"readiness gates": func(r *rand.Rand, c *configuration) {
		in(c.cluster, "topology", "control_plane")["readiness_gates"] = []any{object{"condition_type": "Ready" + strings.ToUpper(word(r)[:1])}}
	},
	"version": func(_ *rand.Rand, c *configuration) {
		topology := in(c.cluster, "topology")
		var minor int
		_, _ = fmt.Sscanf(topology["version"].(string), "v1.%d.0", &minor)
		topology["version"] = fmt.Sprintf("v1.%d.0", minor+1)
	},
	"class: bootstrap": func(r *rand.Rand, c *configuration) {
		in(c.class, "workers", "machine_deployments", "default-worker", "bootstrap", "template", "spec")["preKubeadmCommands"] = []any{"echo " + word(r)}
	},
	"class: control plane": func(r *rand.Rand, c *configuration) {
		in(c.class, "control_plane", "template", "spec", "kubeadmConfigSpec")["preKubeadmCommands"] = []any{"echo " + word(r)}
	},
	"class: version of the control plane's template": func(_ *rand.Rand, c *configuration) {
		otherVersion(in(c.class, "control_plane", "template"))
	},
	"class: version of the bootstrap template": func(_ *rand.Rand, c *configuration) {
		otherVersion(in(c.class, "workers", "machine_deployments", "default-worker", "bootstrap", "template"))
	},
	"class: labels": func(r *rand.Rand, c *configuration) { in(c.class, "labels")["x"] = word(r) },
	"class: variable": func(r *rand.Rand, c *configuration) {
		in(c.class, "variables")["more"] = object{"schema": object{"type": "string", "default": word(r)}}
	},
	"class: worker class": func(_ *rand.Rand, c *configuration) {
		workers := in(c.class, "workers", "machine_deployments")
		workers["more"] = object{
			"bootstrap":      dockerTemplate("KubeadmConfigTemplate", object{"format": "cloud-config"}),
			"infrastructure": dockerTemplate("DockerMachineTemplate", object{}),
		}
	},
	"settings": func(r *rand.Rand, c *configuration) {
		c.cluster["deletion_protection"] = r.IntN(2) == 0
		c.cluster["wait_for"] = []string{"available", "nodes", "rollout"}[r.IntN(3)]
	},
}

// otherVersion moves a template between the versions of its API. What the edits give it
// is the same in both.
func otherVersion(template object) {
	group, version, _ := strings.Cut(template["api_version"].(string), "/")
	template["api_version"] = group + "/" + map[string]string{"v1beta1": "v1beta2", "v1beta2": "v1beta1"}[version]
}

func word(r *rand.Rand) string { return []string{"apple", "pear", "plum", "quince", "fig"}[r.IntN(5)] }

// editsSeed gives the same edits in the same order: a test that fails has to fail again.
const editsSeed = 4

// Edits, one after the other, each planned as Terraform does: before any resource is
// applied, and again before it is. What was known stays so, and when all is applied
// there is nothing more to plan. Edits of every kind, in random order, come before
// those by chance.
func TestIntegrationEdits(t *testing.T) {
	env := setUp(t)
	t.Logf("seed %d", editsSeed)
	s := &story{
		t: t, provider: env.provider, current: map[string]acctest.Object{}, config: newConfiguration("edits"),
		random: rand.New(rand.NewPCG(editsSeed, 1)), //nolint:gosec // The same numbers for the same seed.
	}
	s.apply("create")
	kinds := slices.Sorted(maps.Keys(edits))
	s.editEvery(kinds)
	for range *acctest.Edits {
		s.edit(kinds[s.random.IntN(len(kinds))])
	}
}

// story is a configuration over time.
type story struct {
	t        *testing.T
	provider acctest.Provider
	random   *rand.Rand
	config   *configuration
	// edits is the number of edits until now.
	edits int
	// protocol is the session of the plan or apply that is under way.
	protocol *acctest.Protocol
	current  map[string]acctest.Object
}

// editEvery makes edits of all kinds. One that changes nothing, because something else
// has not been edited yet, is made again after the others.
func (s *story) editEvery(kinds []string) {
	s.t.Helper()
	const rounds = 5
	for range rounds {
		var again []string
		for _, i := range s.random.Perm(len(kinds)) {
			if !s.edit(kinds[i]) {
				again = append(again, kinds[i])
			}
		}
		kinds = again
	}
	if len(kinds) > 0 {
		s.t.Fatalf("in %d rounds these kinds of edits changed nothing: %q", rounds, kinds)
	}
}

// edit makes an edit, and says whether it changed the configuration.
func (s *story) edit(kind string) (changed bool) {
	s.t.Helper()
	before := fmt.Sprint(*s.config)
	edits[kind](s.random, s.config)
	s.apply(fmt.Sprintf("edit %d, %s", s.edits, kind))
	s.edits++
	return fmt.Sprint(*s.config) != before
}

func (s *story) apply(step string) {
	s.t.Helper()
	resources := []string{clusterclass.ResourceType, cluster.ResourceType}
	content := map[string]object{clusterclass.ResourceType: s.config.class, cluster.ResourceType: s.config.cluster}
	first := map[string]acctest.Change{}
	s.protocol = s.provider.Protocol(s.t)
	for _, resource := range resources {
		first[resource] = s.plan(step, resource, content[resource])
	}
	s.protocol = s.provider.Protocol(s.t)
	for _, resource := range resources {
		if first[resource].IsEmpty() {
			continue
		}
		final := s.plan(step, resource, content[resource])
		if path, ok := acctest.Conforms(first[resource].State, final.State); !ok {
			s.t.Fatalf("%s: the final plan of %s is another one at %s", step, resource, path)
		}
		applied, diagnostics := s.protocol.Apply(s.t, resource, final)
		s.needNoErrors(step+": apply", diagnostics)
		if path, ok := acctest.Conforms(final.State, applied.State); !ok {
			s.t.Fatalf("%s: %s is not as planned at %s", step, resource, path)
		}
		s.current[resource] = applied
	}
	s.protocol = s.provider.Protocol(s.t)
	for _, resource := range resources {
		read, diagnostics := s.protocol.Read(s.t.Context(), s.t, resource, s.current[resource])
		s.needNoErrors(step+": read", diagnostics)
		s.current[resource] = read
	}
	for _, resource := range resources {
		if again := s.plan(step, resource, content[resource]); !again.IsEmpty() {
			path, _ := acctest.Conforms(s.current[resource].State, again.State)
			s.t.Fatalf("%s: the second plan of %s is not empty, at %s", step, resource, path)
		}
	}
}

func (s *story) plan(step, resource string, content object) acctest.Change {
	s.t.Helper()
	config := acctest.Value(s.t, s.protocol.Type(resource), content)
	change := s.protocol.Plan(s.t, resource, config, s.current[resource])
	s.needNoErrors(step+": plan", change.Diagnostics)
	if change.Replace {
		s.t.Fatalf("%s: %s would be replaced", step, resource)
	}
	return change
}

func (s *story) needNoErrors(doing string, diagnostics []*tfprotov6.Diagnostic) {
	s.t.Helper()
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			s.t.Fatalf("%s: %s: %s (%s)", doing, d.Summary, d.Detail, d.Attribute)
		}
	}
}
