// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const nodeImage = "kindest/node:v1.35.0"

// managementCluster is an API server with the kinds of all providers, whose webhooks and controllers are those of the
// Docker provider only, with an engine in memory.
type managementCluster struct {
	client.Client
	mu       sync.Mutex
	warnings []string
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (m *managementCluster) HandleWarningHeaderWithContext(_ context.Context, _ int, _ string, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.warnings = append(m.warnings, text)
}

func startManagementCluster(t *testing.T) *managementCluster {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Skip("KUBEBUILDER_ASSETS does not name a folder with kube-apiserver and etcd")
	}
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, apiextensionsv1.AddToScheme, clusterv1.AddToScheme, AddToScheme} {
		g.Expect(add(scheme)).To(Succeed())
	}
	ctrl.SetLogger(logr.Discard())
	server := &envtest.Environment{Scheme: scheme, ControlPlaneStartTimeout: 5 * time.Minute}
	for _, provider := range config.Providers {
		crds, err := provider.CRDs()
		g.Expect(err).NotTo(HaveOccurred())
		server.CRDInstallOptions.CRDs = append(server.CRDInstallOptions.CRDs, crds...)
	}
	docker, err := config.Find("infrastructure-docker")
	g.Expect(err).NotTo(HaveOccurred())
	mutating, validating, err := docker.Webhooks()
	g.Expect(err).NotTo(HaveOccurred())
	webhooks := &server.WebhookInstallOptions
	webhooks.MutatingWebhooks = []*admissionv1.MutatingWebhookConfiguration{mutating}
	webhooks.ValidatingWebhooks = []*admissionv1.ValidatingWebhookConfiguration{validating}
	restConfig, err := server.Start()
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(server.Stop()).To(Succeed()) })

	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: webhooks.LocalServingHost, Port: webhooks.LocalServingPort, CertDir: webhooks.LocalServingCertDir,
		}),
	})
	g.Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	engine := container.NewFake(nodeImage, loadbalancer.Image(infrav1.ImageMeta{}))
	g.Expect(AddToManager(ctx, mgr, Options{Engine: engine})).To(Succeed())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		g.Expect(<-stopped).To(Succeed())
	})
	g.Eventually(func() error { return mgr.GetWebhookServer().StartedChecker()(nil) }).WithTimeout(time.Minute).Should(Succeed())

	m := &managementCluster{}
	restConfig.WarningHandlerWithContext = m
	m.Client, err = client.New(restConfig, client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	return m
}

// Upstream's cluster class can be had as it is, and clusters and machines of upstream's kinds come up and go.
func TestIntegrationDevKinds(t *testing.T) {
	m := startManagementCluster(t)
	t.Run("quick start", func(t *testing.T) { applyQuickStart(t, m) })
	t.Run("refused", func(t *testing.T) { refuse(t, m) })
	t.Run("life", func(t *testing.T) { liveAndDie(t, m) })
}

func applyQuickStart(t *testing.T, m *managementCluster) {
	t.Helper()
	g := NewWithT(t)
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/cluster-api/test").Output()
	g.Expect(err).NotTo(HaveOccurred())
	manifest, err := os.ReadFile(filepath.Join(string(bytes.TrimSpace(folder)), "infrastructure/docker/templates/clusterclass-quick-start.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	objects, err := utilyaml.ToUnstructured(manifest)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(objects)).To(BeNumerically(">", 5))
	for range 2 { // What is applied again is unchanged.
		for _, object := range objects {
			object.SetNamespace("default")
			g.Expect(m.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner("test"))).
				To(Succeed(), object.GetKind())
		}
	}
	g.Expect(m.warnings).To(ContainElement(ContainSubstring("DevMachinePools of clusters that use this template are going to be refused")))

	template := &devv1.DevMachineTemplate{}
	g.Eventually(func() (corev1.ResourceList, error) {
		err := m.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "quick-start-control-plane"}, template)
		return template.Status.Capacity, err
	}).WithTimeout(time.Minute).Should(HaveKey(corev1.ResourceMemory))
}

func refuse(t *testing.T, m *managementCluster) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: "default", Name: "refused"}
	for message, object := range map[string]client.Object{
		"use machineDeployments":           &devv1.DevMachinePool{ObjectMeta: meta},
		"spec.backend.inMemory: Forbidden": &devv1.DevCluster{ObjectMeta: meta, Spec: devv1.DevClusterSpec{Backend: devv1.DevClusterBackendSpec{InMemory: &devv1.InMemoryClusterBackendSpec{}}}},
		"spec.template.spec.backend.inMemory: Forbidden": &devv1.DevMachineTemplate{ObjectMeta: meta, Spec: devv1.DevMachineTemplateSpec{Template: devv1.DevMachineTemplateResource{
			Spec: devv1.DevMachineSpec{Backend: devv1.DevMachineBackendSpec{InMemory: &devv1.InMemoryMachineBackendSpec{}}},
		}}},
	} {
		NewWithT(t).Expect(m.Create(t.Context(), object)).To(MatchError(ContainSubstring(message)))
	}
}

func liveAndDie(t *testing.T, m *managementCluster) {
	t.Helper()
	g, ctx := NewWithT(t), t.Context()
	labels := map[string]string{clusterv1.ClusterNameLabel: "dev"}
	cluster := &clusterv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dev"},
		Spec: clusterv1.ClusterSpec{InfrastructureRef: clusterv1.ContractVersionedObjectReference{
			APIGroup: infrav1.GroupVersion.Group, Kind: "DevCluster", Name: "dev",
		}},
	}
	g.Expect(m.Create(ctx, cluster)).To(Succeed())
	devCluster := &devv1.DevCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dev", Labels: labels, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: clusterv1.GroupVersion.String(), Kind: "Cluster", Name: "dev", UID: cluster.UID,
		}}},
		Spec: devv1.DevClusterSpec{Backend: devv1.DevClusterBackendSpec{Docker: &devv1.DockerClusterBackendSpec{}}},
	}
	g.Expect(m.Create(ctx, devCluster)).To(Succeed())
	// As in upstream's templates for remediation.
	bare := &unstructured.Unstructured{}
	bare.SetGroupVersionKind(infrav1.GroupVersion.WithKind("DevCluster"))
	bare.SetNamespace("default")
	bare.SetName("bare")
	g.Expect(m.Create(ctx, bare)).To(Succeed())
	g.Expect(bare.Object).To(HaveKeyWithValue("spec", HaveKeyWithValue("backend", HaveKey("docker"))))
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dev-data"},
		Data:       map[string][]byte{"value": []byte("#cloud-config\nruncmd:\n- echo hello\n")},
	}
	g.Expect(m.Create(ctx, secret)).To(Succeed())
	machine := &clusterv1.Machine{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dev-1", Labels: labels},
		Spec: clusterv1.MachineSpec{
			ClusterName: "dev", Version: "v1.35.0", Bootstrap: clusterv1.Bootstrap{DataSecretName: ptr.To("dev-data")},
			InfrastructureRef: clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DevMachine", Name: "dev-1"},
		},
	}
	g.Expect(m.Create(ctx, machine)).To(Succeed())
	devMachine := &devv1.DevMachine{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dev-1", Labels: labels, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: clusterv1.GroupVersion.String(), Kind: "Machine", Name: "dev-1", UID: machine.UID,
		}}},
		Spec: devv1.DevMachineSpec{Backend: devv1.DevMachineBackendSpec{Docker: &devv1.DockerMachineBackendSpec{CustomImage: nodeImage}}},
	}
	g.Expect(m.Create(ctx, devMachine)).To(Succeed())

	g.Eventually(func(g Gomega) {
		g.Expect(m.Get(ctx, client.ObjectKeyFromObject(devCluster), devCluster)).To(Succeed())
		g.Expect(devCluster.Status.Initialization.Provisioned).To(HaveValue(BeTrue()))
		g.Expect(devCluster.Spec.ControlPlaneEndpoint.Host).NotTo(BeEmpty())
		g.Expect(devCluster.Annotations).To(BeEmpty(), "upstream's suites know none of ours")
		g.Expect(conditions.IsTrue(devCluster, devv1.DevClusterReadyCondition)).To(BeTrue())

		g.Expect(m.Get(ctx, client.ObjectKeyFromObject(devMachine), devMachine)).To(Succeed())
		g.Expect(devMachine.Spec.ProviderID).To(Equal("docker:////dev-1"))
		g.Expect(devMachine.Finalizers).To(ConsistOf(devv1.MachineFinalizer))
		g.Expect(devMachine.Status.Addresses).NotTo(BeEmpty())
		g.Expect(conditions.IsTrue(devMachine, devv1.DevMachineDockerContainerProvisionedCondition)).To(BeTrue())
	}).WithTimeout(time.Minute).Should(Succeed())

	for _, object := range []client.Object{devMachine, devCluster} {
		g.Expect(m.Delete(ctx, object)).To(Succeed())
		g.Eventually(func() bool { return apierrors.IsNotFound(m.Get(ctx, client.ObjectKeyFromObject(object), object)) }).
			WithTimeout(time.Minute).Should(BeTrue())
	}
}
