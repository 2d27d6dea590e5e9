// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const (
	// beforeReleases is the last commit before upgrades were tested: what is upgraded from until there is a release.
	beforeReleases = "c449d8134adb4bb8dde43769f7ffbc26837332c2"
	// untagged is the version of a build of it.
	untagged = "0.1.0"
	// laterVersion is later than that of any release.
	laterVersion = "999.0.0"
	// quietFor is for how long no object may change until new managers count as done. A control plane or a machine
	// deployment that has to roll begins within seconds.
	quietFor = time.Minute
)

// TestAccUpgrade creates a cluster with the previous release and upgrades the provider to this source: state, controllers
// and the cluster are taken over, no machine rolls, and there is no way back.
func TestAccUpgrade(t *testing.T) {
	s := newStory(t, "capi-acc-upgrade", "upgrade-acc")
	source, version := parentRelease(t)
	before, later := acctest.Build(t, source, version), acctest.Build(t, ".", laterVersion)

	s.workspace.Use(before)
	s.workspace.Copy(filepath.Join(source, "examples", "quickstart"))
	s.set(variables{oldVersion, 1, 1})
	t.Cleanup(func() {
		s.workspace.Use(later)
		s.workspace.Terraform("destroy", "-auto-approve")
	})
	s.apply("create", clusterAddress)
	s.expect(s.expectNodes(2, oldVersion))
	objects, nodes, managers := s.objects(), s.nodes(), s.managers()

	s.workspace.Use(later)
	s.apply("update", providerAddresses()...)
	s.expectUnchangedOutputs()
	s.awaitQuiet(objects)
	g := NewWithT(t)
	g.Expect(s.nodes()).To(Equal(nodes), "a machine was replaced or restarted")
	upgraded := s.managers()
	g.Expect(upgraded).To(HaveLen(len(managers)))
	for name, image := range managers {
		g.Expect(upgraded[name]).NotTo(Equal(image), "%s runs the old image", name)
	}
	s.expect(s.expectNodes(2, oldVersion), s.expectNetwork)
	s.workspace.NeedEmptyPlan()

	// This source as an older version: the previous release may not know yet what it has to refuse.
	s.workspace.Use(acctest.Build(t, ".", version))
	for _, command := range [][]string{{"plan"}, {"destroy", "-auto-approve"}} {
		out, code := s.workspace.Try(command...)
		g.Expect(code).To(Equal(1), out)
		g.Expect(strings.Count(out, "Error: Newer version installed")).To(Equal(len(managers)), out)
		g.Expect(strings.Count(out, "Error: ")).To(Equal(len(managers)), out)
	}
	g.Expect(s.objects()).To(Equal(objects))
	g.Expect(s.nodes()).To(Equal(nodes))
	g.Expect(s.managers()).To(Equal(upgraded))

	s.workspace.Use(later)
	s.workspace.NeedEmptyPlan()
}

func providerAddresses() []string {
	addresses := make([]string, 0, len(config.Providers))
	for _, name := range config.Names() {
		addresses = append(addresses, `capi_provider.this["`+name+`"]`)
	}
	return addresses
}

// parentRelease is the source of the release that users upgrade from, and its version: the last tag before this commit.
func parentRelease(t *testing.T) (source, version string) {
	t.Helper()
	const unshallow = "the previous release has to be built: test in a full clone (git fetch --unshallow --tags)"
	revision, version := beforeReleases, untagged
	if tag, err := git(t, "describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^"); err == nil {
		revision = strings.TrimSpace(string(tag))
		version = strings.TrimPrefix(revision, "v")
	} else if _, err := git(t, "cat-file", "-e", revision+"^{commit}"); err != nil {
		t.Fatalf("commit %s is not here (%v): %s", revision, err, unshallow)
	}
	archive, err := git(t, "archive", revision)
	if err != nil {
		t.Fatalf("cannot read %s: %v", revision, err)
	}
	source = t.TempDir()
	extract := exec.CommandContext(t.Context(), "tar", "-x", "-C", source)
	extract.Stdin = bytes.NewReader(archive)
	if out, err := extract.CombinedOutput(); err != nil {
		t.Fatalf("cannot unpack %s: %v: %s", revision, err, out)
	}
	t.Logf("upgrading from %s, version %s", revision, version)
	return source, version
}

func git(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), "git", append([]string{"-C", "../.."}, args...)...).Output()
}

// objects are the UIDs of all objects of the bundled kinds.
func (s *story) objects() map[string]string {
	s.t.Helper()
	uids := map[string]string{}
	for name, object := range s.list() {
		uids[name] = string(object.UID)
	}
	return uids
}

// list reads all objects of the bundled kinds, some of which the previous release may not have.
func (s *story) list() map[string]metav1.PartialObjectMetadata {
	s.t.Helper()
	g := NewWithT(s.t)
	found := map[string]metav1.PartialObjectMetadata{}
	for _, provider := range config.Providers {
		crds, err := provider.CRDs()
		g.Expect(err).NotTo(HaveOccurred())
		for _, crd := range crds {
			stored := slices.IndexFunc(crd.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Storage })
			list := &metav1.PartialObjectMetadataList{}
			list.SetGroupVersionKind(schema.GroupVersionKind{Group: crd.Spec.Group, Version: crd.Spec.Versions[stored].Name, Kind: crd.Spec.Names.ListKind})
			if err := s.management(g).List(s.t.Context(), list); !management.IsAbsent(err) {
				g.Expect(err).NotTo(HaveOccurred())
			}
			for _, object := range list.Items {
				found[crd.Spec.Names.Kind+" "+client.ObjectKeyFromObject(&object).String()] = object
			}
		}
	}
	return found
}

// awaitQuiet waits until the managers have changed nothing for a while, and checks meanwhile that objects stay the same.
func (s *story) awaitQuiet(objects map[string]string) {
	s.t.Helper()
	g := NewWithT(s.t)
	versions := func() map[string]string {
		now, uids := map[string]string{}, map[string]string{}
		for name, object := range s.list() {
			now[name], uids[name] = object.ResourceVersion, string(object.UID)
		}
		g.Expect(uids).To(Equal(objects), "an object was replaced")
		return now
	}
	last, since := versions(), time.Now()
	g.Eventually(func() time.Duration {
		if now := versions(); !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since)
	}).WithTimeout(10 * time.Minute).WithPolling(5 * time.Second).Should(BeNumerically(">", quietFor))
}

// nodes identify the cluster's nodes and containers, since they were last started.
func (s *story) nodes() map[string]string {
	s.t.Helper()
	found := map[string]string{}
	s.expect(func(g Gomega, workload client.Client) {
		nodes := &corev1.NodeList{}
		g.Expect(workload.List(s.t.Context(), nodes)).To(Succeed())
		for _, node := range nodes.Items {
			found["Node "+node.Name] = string(node.UID)
		}
	})
	ids := strings.Fields(acctest.Docker(s.t, "ps", "--all", "--quiet", "--filter", "label="+identity.ClusterLabel+"="+s.clusterName))
	for _, id := range ids {
		name, started, _ := strings.Cut(strings.TrimSpace(acctest.Docker(s.t, "inspect", "--format", "{{.Name}} {{.Id}} {{.State.StartedAt}}", id)), " ")
		found["container "+name] = started
	}
	return found
}

// managers are the images of the providers' managers, all of which run.
func (s *story) managers() map[string]string {
	s.t.Helper()
	g := NewWithT(s.t)
	images := map[string]string{}
	for _, provider := range config.Providers {
		deployments := &appsv1.DeploymentList{}
		g.Expect(s.management(g).List(s.t.Context(), deployments, client.InNamespace(provider.Namespace))).To(Succeed())
		g.Expect(deployments.Items).To(HaveLen(1))
		g.Expect(deployments.Items[0].Status).To(And(HaveField("AvailableReplicas", BeEquivalentTo(1)), HaveField("Replicas", BeEquivalentTo(1))))
		images[provider.Name] = deployments.Items[0].Spec.Template.Spec.Containers[0].Image
	}
	return images
}

// expectUnchangedOutputs looks at the plan that was applied last.
func (s *story) expectUnchangedOutputs() {
	s.t.Helper()
	var plan struct {
		OutputChanges map[string]struct{ Actions []string } `json:"output_changes"`
	}
	g := NewWithT(s.t)
	g.Expect(json.Unmarshal([]byte(s.workspace.Terraform("show", "-json", "plan")), &plan)).To(Succeed())
	g.Expect(plan.OutputChanges).NotTo(BeEmpty())
	for name, output := range plan.OutputChanges {
		g.Expect(output.Actions).To(Equal([]string{"no-op"}), name)
	}
}
