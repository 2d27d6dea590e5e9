// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

const (
	oldVersion = "v1.34.3"
	newVersion = "v1.35.0"
	example    = "../../examples/quickstart"
)

// story is what the chapters of a test remember from each other.
type story struct {
	t *testing.T
	// managementName and clusterName are what the story is about.
	managementName, clusterName string

	workspace  *acctest.Workspace
	kubeconfig string
	machines   sets.Set[string]
}

// newStory returns one about clusters of these names, for which this machine must have what it takes.
func newStory(t *testing.T, managementName, clusterName string) *story {
	t.Helper()
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	for _, version := range []string{oldVersion, newVersion} {
		acctest.NeedImage(t, "kindest/node:"+version)
	}
	acctest.NoLeaks(t, managementName)
	acctest.NoLeaks(t, clusterName)
	s := &story{t: t, managementName: managementName, clusterName: clusterName, workspace: acctest.NewWorkspace(t)}
	files, err := filepath.Glob(filepath.Join(example, "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configuration in %s: %v", example, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.workspace.Write(filepath.Base(file), string(content))
	}
	// The example names the provider itself.
	s.workspace.Write("versions.tf", "")
	return s
}

// variables are what changes in the course of the story.
type variables struct {
	version       string
	controlPlanes int
	workers       int
}

// set gives the variables of the configuration their values.
func (s *story) set(v variables) {
	s.t.Helper()
	s.workspace.Write("terraform.tfvars", fmt.Sprintf(
		"management_cluster_name = %q\ncluster_name = %q\nkubernetes_version = %q\ncontrol_plane_replicas = %d\nworker_replicas = %d\n",
		s.managementName, s.clusterName, v.version, v.controlPlanes, v.workers))
}

// change is what a plan does to a resource.
type change struct {
	Actions []string       `json:"actions"`
	After   map[string]any `json:"after"`
}

// apply plans, checks that the plan does the action to these resources and, after creation, nothing to any other,
// applies it, and checks that nothing is left to do. It returns what was planned.
func (s *story) apply(action string, addresses ...string) map[string]change {
	s.t.Helper()
	s.workspace.Terraform("plan", "-out=plan")
	changes := s.planned()
	for _, address := range addresses {
		if _, planned := changes[address]; !planned {
			s.t.Fatalf("the plan does nothing to %s, want %s", address, action)
		}
	}
	for address, change := range changes {
		expected := slices.Contains(addresses, address)
		if expected && !slices.Equal(change.Actions, []string{action}) {
			s.t.Fatalf("the plan does %v to %s, want %s", change.Actions, address, action)
		}
		if !expected && action != "create" && !slices.Equal(change.Actions, []string{"no-op"}) {
			s.t.Fatalf("the plan does %v to %s, which does not change", change.Actions, address)
		}
	}
	s.workspace.Terraform("apply", "plan")
	s.workspace.NeedEmptyPlan()
	return changes
}

func (s *story) planned() map[string]change {
	s.t.Helper()
	var plan struct {
		ResourceChanges []struct {
			Address string `json:"address"`
			Change  change `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(s.workspace.Terraform("show", "-json", "plan")), &plan); err != nil {
		s.t.Fatal(err)
	}
	changes := map[string]change{}
	for _, resource := range plan.ResourceChanges {
		changes[resource.Address] = resource.Change
	}
	return changes
}

// announced are the machine sets that a plan says will roll, or what it says if it does not know them.
func (c change) announced() []string {
	rolls, known := c.After["rollout"].([]any)
	if !known {
		return []string{fmt.Sprint(c.After["rollout"])}
	}
	sets := []string{}
	for _, roll := range rolls {
		fields, _ := roll.(map[string]any)
		sets = append(sets, fmt.Sprint(fields["machine_set"]))
	}
	return sets
}

// expect runs checks one after the other with the kubeconfig that the configuration puts out.
func (s *story) expect(checks ...func(g Gomega, workload client.Client)) {
	s.t.Helper()
	g := NewWithT(s.t)
	kubeconfig := s.workspace.Terraform("output", "-raw", "kubeconfig")
	if s.kubeconfig == "" {
		s.kubeconfig = kubeconfig
	}
	workload, err := connect(kubeconfig)
	g.Expect(err).NotTo(HaveOccurred())
	for _, check := range checks {
		check(g, workload)
	}
}

func connect(kubeconfig string) (client.Client, error) {
	restConfig, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return nil, err
	}
	return client.New(restConfig, client.Options{})
}

func (s *story) management(g Gomega) *management.Cluster {
	resolver := management.NewResolver(nil, kind.New())
	// Also in a cleanup, which comes after the end of the test's context.
	cluster, err := resolver.Connect(context.WithoutCancel(s.t.Context()), management.KindID(s.managementName))
	g.Expect(err).NotTo(HaveOccurred())
	return cluster
}

// expectNodes does not wait: when the apply is over, the nodes are ready.
func (s *story) expectNodes(count int, version string) func(Gomega, client.Client) {
	return func(g Gomega, workload client.Client) {
		nodes := &corev1.NodeList{}
		g.Expect(workload.List(s.t.Context(), nodes)).To(Succeed())
		g.Expect(nodes.Items).To(HaveLen(count))
		for _, node := range nodes.Items {
			g.Expect(node.Status.NodeInfo.KubeletVersion).To(Equal(version), node.Name)
			g.Expect(node.Status.Conditions).To(ContainElement(And(
				HaveField("Type", corev1.NodeReady), HaveField("Status", corev1.ConditionTrue))), node.Name)
		}
	}
}
