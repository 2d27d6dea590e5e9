// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// planNew plans a class and a cluster of it, and returns the diagnostics about the
// cluster.
func planNew(t *testing.T, c *configuration) []*tfprotov6.Diagnostic {
	t.Helper()
	protocol := newProtocol(t)
	var diagnostics []*tfprotov6.Diagnostic
	for _, resource := range []struct {
		name    string
		content object
	}{{clusterclass.ResourceType, c.class}, {cluster.ResourceType, c.cluster}} {
		if diagnostics = errorsOf(diagnostics); len(diagnostics) > 0 {
			t.Fatalf("the class: %s", diagnostics[0].Detail)
		}
		change := protocol.Plan(t, resource.name, acctest.Value(t, protocol.Type(resource.name), resource.content), acctest.Object{})
		diagnostics = change.Diagnostics
	}
	return diagnostics
}

func errorsOf(diagnostics []*tfprotov6.Diagnostic) []*tfprotov6.Diagnostic {
	var errs []*tfprotov6.Diagnostic
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, d)
		}
	}
	return errs
}

// needDiagnostic says that there is one diagnostic of this severity, attribute and
// text, or none at all if the attribute is empty.
func needDiagnostic(t *testing.T, diagnostics []*tfprotov6.Diagnostic, severity tfprotov6.DiagnosticSeverity, attribute, text string) {
	t.Helper()
	if attribute == "" {
		for _, d := range diagnostics {
			t.Errorf("%s: %s: %s", d.Severity, d.Summary, d.Detail)
		}
		return
	}
	if len(diagnostics) != 1 || diagnostics[0].Severity != severity || !strings.HasPrefix(diagnostics[0].Detail, attribute+": ") ||
		diagnostics[0].Attribute == nil || !strings.Contains(diagnostics[0].Detail, text) {
		t.Errorf("want one about %s with %q", attribute, text)
		for _, d := range diagnostics {
			t.Errorf("%s: %s: %s", d.Severity, d.Summary, d.Detail)
		}
	}
}

// What is wrong about a network is known without a management cluster.
func TestPlanOfNetworks(t *testing.T) {
	foreign := oldControlPlane(surge(1))
	template := in(foreign.class, "control_plane", "template")
	template["api_version"], template["kind"], template["spec"] = "controlplane.example.com/v1beta2", "SomeControlPlaneTemplate", object{}
	for name, tc := range map[string]struct {
		pods, services []any
		plugin         any
		class          *configuration
		attribute      string
		text           string
	}{
		"fine":                        {pods: []any{"10.10.0.0/16"}, services: []any{"10.20.0.0/16"}},
		"kindnet without pods":        {plugin: object{"name": "kindnet"}},
		"kindnet, IPv6 services":      {plugin: object{"name": "kindnet"}, services: []any{"fd02::/112"}},
		"services too large":          {services: []any{"10.0.0.0/8"}, attribute: "cluster_network.services[0]", text: "too large for services"},
		"pods too small":              {pods: []any{"10.10.0.0/26"}, attribute: "cluster_network.pods[0]", text: "too small for pods"},
		"no common family":            {pods: []any{"10.10.0.0/16"}, services: []any{"fd02::/112"}, attribute: "cluster_network.pods[0]", text: "IP family"},
		"overlap":                     {pods: []any{"10.0.0.0/8"}, services: []any{"10.20.0.0/16"}, attribute: "cluster_network.pods[0]", text: "addresses in common"},
		"kindnet's pods overlap":      {plugin: object{"name": "kindnet"}, services: []any{"10.244.1.0/24"}, attribute: "cluster_network.pods[0]", text: "addresses in common"},
		"large, but not of kubeadm's": {class: foreign, services: []any{"10.0.0.0/8"}},
		"overlap, not of kubeadm's":   {class: foreign, pods: []any{"10.0.0.0/8"}, services: []any{"10.20.0.0/16"}, attribute: "cluster_network.pods[0]", text: "addresses in common"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConfiguration("one")
			if tc.class != nil {
				c.class, c.cluster = tc.class.class, tc.class.cluster
			}
			network := object{}
			for attribute, value := range map[string][]any{"pods": tc.pods, "services": tc.services} {
				if value != nil {
					network[attribute] = value
				}
			}
			if len(network) > 0 {
				c.cluster["cluster_network"] = network
			}
			if tc.plugin != nil {
				c.cluster["cni"] = tc.plugin
			}
			needDiagnostic(t, planNew(t, c), tfprotov6.DiagnosticSeverityError, tc.attribute, tc.text)
		})
	}
}

// Failure domains are those that the infrastructure declares.
func TestPlanOfFailureDomains(t *testing.T) {
	const attribute = `topology.workers.machine_deployments["md-0"].failure_domain`
	declared := object{"failureDomains": []any{object{"name": "fd1"}, object{"name": "fd2"}}}
	for name, tc := range map[string]struct {
		infrastructure object
		domain         string
		severity       tfprotov6.DiagnosticSeverity
		attribute      string
		text           string
	}{
		"none asked for":  {infrastructure: declared},
		"there is one":    {infrastructure: declared, domain: "fd2"},
		"there is not":    {declared, "nope", tfprotov6.DiagnosticSeverityError, attribute, "it has fd1, fd2"},
		"there are none":  {object{}, "nope", tfprotov6.DiagnosticSeverityWarning, attribute, "DockerCluster declares no failure domains"},
		"and none wanted": {infrastructure: object{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConfiguration("one")
			c.class["infrastructure"] = dockerTemplate("DockerClusterTemplate", tc.infrastructure)
			if tc.domain != "" {
				in(c.cluster, "topology", "workers", "machine_deployments", "md-0")["failure_domain"] = tc.domain
			}
			needDiagnostic(t, planNew(t, c), tc.severity, tc.attribute, tc.text)
		})
	}
}

// A version that may not be reached is an error only if it is known that machines
// run the one of the state.
func TestPlanOfVersionsWithoutAnswer(t *testing.T) {
	before, lower, higher, annotated := newConfiguration("one"), newConfiguration("one"), newConfiguration("one"), newConfiguration("one")
	in(higher.cluster, "topology")["version"] = "v1.36.0"
	in(lower.cluster, "topology")["version"] = "v1.33.0"
	in(annotated.cluster, "topology")["version"] = "v1.33.0"
	in(annotated.cluster, "annotations")["unsafe.topology.cluster.x-k8s.io/disable-update-version-check"] = ""
	needDiagnostic(t, planUpdate(t, before, lower)[cluster.ResourceType].Diagnostics, tfprotov6.DiagnosticSeverityWarning,
		"topology.version", "cannot be downgraded, and the cluster is at v1.34.0. The management cluster does not say which versions machines run")
	needDiagnostic(t, planUpdate(t, before, higher)[cluster.ResourceType].Diagnostics, tfprotov6.DiagnosticSeverityWarning,
		"topology.version", "one minor version at a time")
	needDiagnostic(t, planUpdate(t, before, annotated)[cluster.ResourceType].Diagnostics, tfprotov6.DiagnosticSeverityInvalid, "", "")
}
