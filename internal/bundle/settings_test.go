// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

func TestSettings(t *testing.T) {
	g := NewWithT(t)
	provider, err := config.Find(CoreProvider)
	g.Expect(err).NotTo(HaveOccurred())
	settings := Settings{
		Verbosity: ptr.To[int64](5), FeatureGates: map[string]bool{"PriorityQueue": false, "MachinePool": true}, SyncPeriod: time.Hour,
		Args: map[string]string{"--watch-filter": "mine", "clustercache-concurrency": "5"}, Replicas: ptr.To[int32](2),
		NodeSelector: map[string]string{"role": "capi"}, Tolerations: []corev1.Toleration{{Key: "x"}}, ImagePullSecrets: []string{"registry"},
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}},
	}
	deployment := installation{Provider: provider, image: Image{Reference: "registry.example.com/capi:v1"}, settings: settings}.managerDeployment()
	g.Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(2)))
	pods := deployment.Spec.Template.Spec
	g.Expect(pods.Containers[0].Args[4:]).To(Equal([]string{
		"--clustercache-concurrency=5", "--watch-filter=mine", "--feature-gates=MachinePool=true,PriorityQueue=false", "--sync-period=1h0m0s", "--v=5",
	}))
	g.Expect(pods.NodeSelector).To(HaveKeyWithValue("role", "capi"))
	g.Expect(pods.Tolerations).To(Equal(settings.Tolerations))
	g.Expect(pods.ImagePullSecrets).To(ConsistOf(corev1.LocalObjectReference{Name: "registry"}))
	g.Expect(pods.TopologySpreadConstraints).To(ConsistOf(HaveField("LabelSelector.MatchLabels", deployment.Spec.Selector.MatchLabels)))
	g.Expect(pods.Containers[0].Resources.Limits).To(HaveLen(1))
	g.Expect(pods.Containers[0].Resources.Requests).To(HaveLen(2), "what is not set stays")

	byDefault := installation{Provider: provider}.managerDeployment().Spec
	g.Expect(byDefault.Replicas).To(HaveValue(BeEquivalentTo(1)))
	g.Expect(byDefault.Template.Spec.TopologySpreadConstraints).To(BeEmpty())
	g.Expect(byDefault.Template.Spec.Tolerations).To(HaveLen(1))
}

func TestCheckSettings(t *testing.T) {
	for name, want := range map[string]string{
		"watch-filter": "", "--watch-filter": "", "leader_elect": "set by the installation", "feature_gates": "set by manager", "--leader-elect": "set by the installation", "v": "set by manager.verbosity",
		"feature-gates": "set by manager.feature_gates",
	} {
		g := NewWithT(t)
		if err := CheckFlag(name); want == "" {
			g.Expect(err).NotTo(HaveOccurred(), name)
		} else {
			g.Expect(err).To(MatchError(ContainSubstring(want)), name)
		}
	}
	for _, test := range []struct {
		gate string
		open bool
		want string
	}{
		{"MachinePool", false, ""}, {"ClusterTopology", true, ""}, {"ClusterTopology", false, "cannot be closed"}, {"RuntimeSDK", false, ""},
		{"RuntimeSDK", true, "cannot be opened"}, {"InPlaceUpdates", true, "cannot be opened"}, {"Machinepool", true, "it has ClusterTopology"}, {"AllAlpha", true, "no feature gate"}, {"AllBeta", false, "no feature gate"},
	} {
		g := NewWithT(t)
		if err := CheckFeatureGate(test.gate, test.open); test.want == "" {
			g.Expect(err).NotTo(HaveOccurred(), test.gate)
		} else {
			g.Expect(err).To(MatchError(ContainSubstring(test.want)), test.gate)
		}
	}
}

func TestFromRelease(t *testing.T) {
	g := NewWithT(t)
	image, err := FromRelease("0.3.1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(image.Reference).To(Equal("ghcr.io/terraform-capi/terraform-provider-capi:v0.3.1"))
	g.Expect(image.Local()).To(BeFalse())
	_, err = FromRelease("dev")
	g.Expect(err).To(MatchError(ContainSubstring("was not released")))
}

func TestSkipsTooMany(t *testing.T) {
	for installed, want := range map[string]string{
		"v1.14.2": "", "v1.11.0": "", "v1.10.7": "v1.13", "v1.9.0": "v1.12", "v0.0.0": "", "v2.0.0": "", "v1.15.0": "", "main": "",
	} {
		first, skips := Release{ClusterAPI: installed}.SkipsTooMany(Release{ClusterAPI: "v1.14.2"})
		NewWithT(t).Expect([]any{first, skips}).To(Equal([]any{want, want != ""}), installed)
	}
}

// Whether controllers run as declared is compared by the API server, which fills in what is not said.
func TestIntegrationAsDeclared(t *testing.T) {
	g := NewWithT(t)
	cluster := acctest.NeedAnotherAPIServer(t).Cluster
	const name = "control-plane-kubeadm"
	image, settings := Image{Reference: "localhost/x:y"}, Settings{Replicas: ptr.To[int32](2), Args: map[string]string{"watch-filter": "mine"}}
	g.Expect(Install(t.Context(), cluster, name, "0.1.0", image, settings)).To(Succeed())
	g.Expect(AsDeclared(t.Context(), cluster, name, image, settings)).To(BeTrue())
	g.Expect(AsDeclared(t.Context(), cluster, name, image, Settings{Args: settings.Args})).To(BeFalse(), "other replicas")
	g.Expect(AsDeclared(t.Context(), cluster, name, Image{Reference: "localhost/x:z"}, settings)).To(BeFalse(), "another image")

	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "capi-kubeadm-control-plane-system", Name: "capi-kubeadm-control-plane-controller-manager"}}
	g.Expect(cluster.Patch(t.Context(), deployment, client.RawPatch("application/merge-patch+json", []byte(`{"spec": {"replicas": 0}}`)))).To(Succeed())
	g.Expect(AsDeclared(t.Context(), cluster, name, image, settings)).To(BeFalse(), "scaled by hand")
}

// What others installed is found wherever it is, with its version and origin.
func TestIntegrationOthers(t *testing.T) {
	g := NewWithT(t)
	cluster := acctest.NeedAnotherAPIServer(t).Cluster
	const name = "bootstrap-kubeadm"
	provider, err := config.Find(name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect((installation{Provider: provider}).prepare(t.Context(), cluster)).To(Succeed())
	create := func(object client.Object) {
		t.Helper()
		g.Eventually(func() error { return cluster.Create(t.Context(), object) }, "30s").Should(Succeed())
		t.Cleanup(func() { _ = cluster.Delete(t.Context(), object) })
	}
	g.Expect(Others(t.Context(), cluster, name)).To(BeEmpty())

	create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}})
	entry := &clusterctlv1.Provider{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: name}, ProviderName: "kubeadm", Type: string(clusterctlv1.BootstrapProviderType), Version: "v1.12.1"}
	create(entry)
	g.Expect(Others(t.Context(), cluster, name)).To(ConsistOf(Other{ByClusterctl, "v1.12.1", "Provider elsewhere/" + name}))
	g.Expect(Others(t.Context(), cluster, "control-plane-kubeadm")).To(BeEmpty(), "a provider of another type")
	g.Expect(cluster.Delete(t.Context(), entry)).To(Succeed())

	labels := map[string]string{clusterv1.ProviderNameLabel: name}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: "manager", Labels: labels}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "manager", Image: "x"}}}},
	}}
	create(deployment)
	g.Expect(Others(t.Context(), cluster, name)).To(ConsistOf(Other{Object: "Deployment elsewhere/manager"}))
	g.Expect(cluster.Delete(t.Context(), deployment)).To(Succeed())

	create(operatorCRD("BootstrapProvider", "bootstrapproviders"))
	operated := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": "elsewhere", "name": "kubeadm"}, "status": map[string]any{"installedVersion": "v1.13.0"},
	}}
	operated.SetGroupVersionKind(schema.GroupVersionKind{Group: operatorGroup, Version: "v1alpha2", Kind: "BootstrapProvider"})
	create(operated)
	g.Expect(Others(t.Context(), cluster, name)).To(ConsistOf(Other{ByOperator, "v1.13.0", "BootstrapProvider elsewhere/kubeadm"}))
	g.Expect(Other{ByOperator, "v1.13.0", "BootstrapProvider elsewhere/kubeadm"}.String()).To(Equal("BootstrapProvider elsewhere/kubeadm of version v1.13.0, installed by cluster-api-operator"))
}

// operatorCRD is one of cluster-api-operator's, as far as it matters here.
func operatorCRD(kind, plural string) *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + operatorGroup},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: operatorGroup, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, ListKind: kind + "List", Plural: plural, Singular: "x"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1alpha2", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}},
			}},
		},
	}
}

// The core provider says by its kinds which contracts it speaks.
func TestCoreContracts(t *testing.T) {
	g := NewWithT(t)
	contracts, err := CoreContracts(t.Context(), installed(t, nil, dockerProvider))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(contracts).To(BeEmpty())
	g.Expect(Fits(contracts)).To(BeTrue(), "there is no core provider that it would not fit")
	contracts, err = CoreContracts(t.Context(), installed(t, nil, CoreProvider))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(contracts).To(ContainElement(Contract))
	g.Expect(Fits(contracts)).To(BeTrue())
	g.Expect(Fits([]string{"v1beta1"})).To(BeFalse())
}
