// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kind/pkg/cluster"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const (
	elsewhere         = "acc-elsewhere"
	elsewhereWorkload = "acc-elsewhere-web"
)

// threeNodes is a management cluster as somebody has it: its managers are to run on two workers of it, and its nodes pull from a
// registry without TLS.
const threeNodes = `
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
  - role: worker
    labels: {managers: "true"}
    extraMounts: [{hostPath: /var/run/docker.sock, containerPath: /var/run/docker.sock}]
  - role: worker
    labels: {managers: "true"}
    extraMounts: [{hostPath: /var/run/docker.sock, containerPath: /var/run/docker.sock}]
containerdConfigPatches:
  - |-
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
`

const elsewhereConfig = `
variable "host" { type = string }
variable "image" { type = string }
variable "kubernetes_version" { type = string }

provider "capi" {
  host                   = var.host
  cluster_ca_certificate = file("ca.crt")
}

locals {
  deployment = {
    replicas           = 2
    node_selector      = { managers = "true" }
    image_pull_secrets = [{ name = "registry" }]
  }
}

resource "capi_provider" "core" {
  name       = "cluster-api"
  image      = var.image
  deployment = local.deployment
}

resource "capi_provider" "others" {
  for_each   = toset(["bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  name       = each.key
  image      = var.image
  deployment = local.deployment
  depends_on = [capi_provider.core]
}

resource "capi_cluster_class" "test" {
  name       = "quick-start"
  manifest   = file("class.yaml")
  depends_on = [capi_provider.others]
}

resource "capi_cluster" "test" {
  name = "acc-elsewhere-web"
  topology = {
    class         = capi_cluster_class.test.name
    version       = var.kubernetes_version
    control_plane = { replicas = 1 }
    workers       = { machine_deployments = { md-0 = { class = "default-worker", replicas = 1 } } }
  }
  cni = { name = "kindnet" }
}

resource "capi_kubeconfig" "jane" {
  cluster_id = capi_cluster.test.id
  user       = "jane"
  groups     = ["developers"]
  ttl        = "1h"
}

output "kubeconfig" {
  value     = capi_kubeconfig.jane.kubeconfig
  sensitive = true
}
`

// TestAccElsewhere installs the providers into a management cluster of three nodes that it reaches by a host and a token, with two
// replicas each and the image from a registry that asks for a password. The node of a leader is killed during an upgrade of a
// workload cluster, which goes on.
func TestAccElsewhere(t *testing.T) {
	s := newElsewhere(t)
	g := NewWithT(t)
	s.set(oldVersion)
	s.workspace.Terraform("apply", "-auto-approve")
	s.workspace.NeedEmptyPlan()
	for _, provider := range config.Providers {
		s.expectSpread(g, provider.Namespace)
	}
	expectUser(t, g, s.workspace.Terraform("output", "-raw", "kubeconfig"), "jane", "developers")

	s.set(newVersion)
	applied := make(chan string, 1)
	go func() {
		out, code := s.workspace.Try("apply", "-auto-approve")
		applied <- fmt.Sprintf("exit code %d\n%s", code, out)
	}()
	s.awaitNewMachine(g)
	leader := s.leader(g)
	node := s.nodeOf(g, leader)
	began := time.Now()
	acctest.Docker(t, "kill", node)
	g.Eventually(func() string { return s.leader(g) }, "5m", "1s").ShouldNot(Equal(leader))
	t.Logf("another replica of the control plane provider led %s after the node of the leader was killed", time.Since(began).Round(time.Second))
	out := <-applied
	g.Expect(out).To(HavePrefix("exit code 0"))
	t.Logf("the upgrade was finished %s after that node was killed", time.Since(began).Round(time.Second))

	acctest.Docker(t, "start", node)
	g.Eventually(func() (string, error) {
		out, code := s.workspace.Try("plan", "-detailed-exitcode")
		if code != 0 {
			return out, nil
		}
		return "", nil
	}, "5m", "5s").Should(BeEmpty(), "the providers are well again")
	s.workspace.Terraform("destroy", "-auto-approve")
}

type elsewhereStory struct {
	t          *testing.T
	workspace  *acctest.Workspace
	management *management.Cluster
	host       string
	image      string
}

func newElsewhere(t *testing.T) *elsewhereStory {
	t.Helper()
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	for _, version := range []string{oldVersion, newVersion} {
		acctest.NeedImage(t, "kindest/node:"+version)
	}
	acctest.NoLeaks(t, elsewhereWorkload)
	g := NewWithT(t)
	kubeconfig := makeKind(t, g)
	restConfig, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	g.Expect(err).NotTo(HaveOccurred())
	mgmt, err := management.NewCluster(t.Context(), "", restConfig)
	g.Expect(err).NotTo(HaveOccurred())

	s := &elsewhereStory{t: t, workspace: acctest.NewWorkspace(t), management: mgmt, host: restConfig.Host}
	s.workspace.Write("main.tf", elsewhereConfig)
	s.workspace.Write("ca.crt", string(restConfig.CAData))
	class, err := os.ReadFile("../../examples/hcp-terraform/class.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	s.workspace.Write("class.yaml", string(class))
	s.workspace.Setenv("KUBE_TOKEN", s.token(g))
	s.serveImage(g)
	t.Cleanup(func() {
		if t.Failed() {
			s.workspace.Try("destroy", "-auto-approve")
		}
	})
	return s
}

// makeKind makes the management cluster with KinD's library, as people do with kind, and returns its kubeconfig.
func makeKind(t *testing.T, g Gomega) string {
	t.Helper()
	kinds := cluster.NewProvider(cluster.ProviderWithDocker())
	path := filepath.Join(t.TempDir(), "kubeconfig")
	t.Cleanup(func() {
		if err := kinds.Delete(elsewhere, path); err != nil {
			t.Error(err)
		}
	})
	g.Expect(kinds.Create(elsewhere, cluster.CreateWithRawConfig([]byte(threeNodes)), cluster.CreateWithNodeImage("kindest/node:"+oldVersion),
		cluster.CreateWithKubeconfigPath(path), cluster.CreateWithWaitForReady(5*time.Minute))).To(Succeed())
	kubeconfig, err := kinds.KubeConfig(elsewhere, false)
	g.Expect(err).NotTo(HaveOccurred())
	return kubeconfig
}

// token is one of a service account that may do everything.
func (s *elsewhereStory) token(g Gomega) string {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "terraform"}}
	g.Expect(s.management.Create(s.t.Context(), account)).To(Succeed())
	g.Expect(s.management.Create(s.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "terraform"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	})).To(Succeed())
	request := &authenticationv1.TokenRequest{}
	g.Expect(s.management.SubResource("token").Create(s.t.Context(), account, request)).To(Succeed())
	return request.Status.Token
}

const registryPassword = "acc-password"

// serveImage serves the image of the provider that is tested from a registry in the test, which nodes reach at their gateway, and
// makes the Secrets to pull it with.
func (s *elsewhereStory) serveImage(g Gomega) {
	gateway := strings.Fields(acctest.Docker(s.t, "exec", elsewhere+"-worker", "ip", "route", "show", "default"))[2]
	listener, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", "0.0.0.0:0")
	g.Expect(err).NotTo(HaveOccurred())
	_, port, err := net.SplitHostPort(listener.Addr().String())
	g.Expect(err).NotTo(HaveOccurred())
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "acc" || password != registryPassword {
			w.Header().Set("WWW-Authenticate", `Basic realm="acc"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(listener) }()
	s.t.Cleanup(func() { _ = server.Close() })

	address := net.JoinHostPort(gateway, port)
	s.image = address + "/terraform-provider-capi:acc"
	s.push(g, "localhost:"+port+"/terraform-provider-capi:acc")
	hosts := fmt.Sprintf("server = \"http://%s\"\n[host.\"http://%s\"]\n", address, address)
	for _, node := range []string{"-control-plane", "-worker", "-worker2"} {
		folder := "/etc/containerd/certs.d/" + address
		acctest.Docker(s.t, "exec", elsewhere+node, "sh", "-c", fmt.Sprintf("mkdir -p %s && printf '%s' > %s/hosts.toml", folder, hosts, folder))
	}
	secret := fmt.Sprintf(`{"auths": {%q: {"username": "acc", "password": %q}}}`, address, registryPassword)
	for _, provider := range config.Providers {
		labels := map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}
		g.Expect(s.management.Create(s.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: provider.Namespace, Labels: labels}})).To(Succeed())
		g.Expect(s.management.Create(s.t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: provider.Namespace, Name: "registry"},
			Type:       corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(secret)},
		})).To(Succeed())
	}
}

func (s *elsewhereStory) push(g Gomega, reference string) {
	image, err := bundle.FromFile(s.workspace.Executable())
	g.Expect(err).NotTo(HaveOccurred())
	var archive bytes.Buffer
	g.Expect(image.Write(&archive)).To(Succeed())
	content, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }, nil)
	g.Expect(err).NotTo(HaveOccurred())
	target, err := name.ParseReference(reference)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(remote.Write(target, content, remote.WithContext(s.t.Context()), remote.WithAuth(&authn.Basic{Username: "acc", Password: registryPassword}))).To(Succeed())
}

func (s *elsewhereStory) set(version string) {
	s.workspace.Write("terraform.tfvars", fmt.Sprintf("host = %q\nimage = %q\nkubernetes_version = %q\n", s.host, s.image, version))
}

// expectSpread: the two managers of a provider are on different nodes, of those that they may be on.
func (s *elsewhereStory) expectSpread(g Gomega, namespace string) {
	pods := &corev1.PodList{}
	g.Expect(s.management.List(s.t.Context(), pods, client.InNamespace(namespace))).To(Succeed())
	nodes := make([]string, 0, len(pods.Items))
	for _, pod := range pods.Items {
		nodes = append(nodes, pod.Spec.NodeName)
	}
	g.Expect(nodes).To(ConsistOf(elsewhere+"-worker", elsewhere+"-worker2"), namespace)
}

// awaitNewMachine waits until the upgrade has begun.
func (s *elsewhereStory) awaitNewMachine(g Gomega) {
	g.Eventually(func() ([]clusterv1.Machine, error) {
		machines := &clusterv1.MachineList{}
		err := s.management.List(s.t.Context(), machines)
		return machines.Items, err
	}, "5m", "1s").Should(ContainElement(HaveField("Spec.Version", newVersion)))
}

const controlPlaneNamespace = "capi-kubeadm-control-plane-system"

// leader is the pod of the control plane provider that leads.
func (s *elsewhereStory) leader(g Gomega) string {
	leases := &coordinationv1.LeaseList{}
	g.Expect(s.management.List(context.WithoutCancel(s.t.Context()), leases, client.InNamespace(controlPlaneNamespace))).To(Succeed())
	g.Expect(leases.Items).To(HaveLen(1))
	pod, _, _ := strings.Cut(*leases.Items[0].Spec.HolderIdentity, "_")
	return pod
}

func (s *elsewhereStory) nodeOf(g Gomega, pod string) string {
	found := &corev1.Pod{}
	g.Expect(s.management.Get(s.t.Context(), client.ObjectKey{Namespace: controlPlaneNamespace, Name: pod}, found)).To(Succeed())
	return found.Spec.NodeName
}

// expectUser: a kubeconfig's cluster takes the user for this one, in this group.
func expectUser(t *testing.T, g Gomega, kubeconfig, user, group string) {
	t.Helper()
	workload, err := connect(kubeconfig)
	g.Expect(err).NotTo(HaveOccurred())
	review := &authenticationv1.SelfSubjectReview{}
	g.Expect(workload.Create(t.Context(), review)).To(Succeed())
	g.Expect(review.Status.UserInfo).To(And(HaveField("Username", user), HaveField("Groups", ContainElement(group))))
}
