// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package topologytest runs upstream's own controllers of classes, topologies and
// machine deployments on an API server without nodes, one reconciliation after
// the other: what a test is told has happened is all that will. Control planes
// and machines are said to have done what they were told.
package topologytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	bootstrapv1beta1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta1"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1beta1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta1"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1beta1 "sigs.k8s.io/cluster-api/api/core/v1beta1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	bootstrapadmission "sigs.k8s.io/cluster-api/bootstrap/kubeadm/webhooks/admission"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	controlplaneadmission "sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/admission"
	controlplaneconversion "sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/conversion"
	"sigs.k8s.io/cluster-api/core/reconcilers/clusterclass"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinedeployment"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinedeployment/mdutil"
	topologycluster "sigs.k8s.io/cluster-api/core/reconcilers/topology/cluster"
	coreadmission "sigs.k8s.io/cluster-api/core/webhooks/admission"
	"sigs.k8s.io/cluster-api/feature"
	"sigs.k8s.io/cluster-api/util/conditions"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// Controllers are upstream's reconcilers. Nothing but Settle calls them.
type Controllers struct {
	client.Client
	class              *clusterclass.Reconciler
	topology           *topologycluster.Reconciler
	machineDeployments *machinedeployment.Reconciler
}

// New sets the reconcilers up, and serves the webhooks that have a say in what
// rolls: those of control planes, bootstrap templates and machine deployments.
func New(t *testing.T, environment *acctest.Environment) *Controllers {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	if err := feature.MutableGates.Set(string(feature.ClusterTopology) + "=true"); err != nil {
		t.Fatal(err)
	}
	// The manager of the reconcilers never starts. They read and write directly,
	// so that nothing is stale.
	mgr, err := ctrl.NewManager(environment.Cluster.RESTConfig, ctrl.Options{
		Scheme: environment.Cluster.Scheme(), Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	unlimited := rest.CopyConfig(environment.Cluster.RESTConfig)
	unlimited.QPS = -1
	direct, err := client.New(unlimited, client.Options{Scheme: mgr.GetScheme()})
	if err != nil {
		t.Fatal(err)
	}
	c := &Controllers{Client: direct}
	c.class = &clusterclass.Reconciler{Client: c}
	c.topology = &topologycluster.Reconciler{Client: c, APIReader: c, ClusterCache: clustercache.NewFakeEmptyClusterCache()}
	c.machineDeployments = &machinedeployment.Reconciler{Client: c, APIReader: c}
	for _, reconciler := range []interface {
		SetupWithManager(context.Context, ctrl.Manager, controller.Options) error
	}{c.class, c.topology, c.machineDeployments} {
		if err := reconciler.SetupWithManager(t.Context(), mgr, controller.Options{SkipNameValidation: ptr.To(true)}); err != nil {
			t.Fatal(err)
		}
	}
	serveWebhooks(t, environment)
	return c
}

// served are the webhooks, by the ends of their names.
var served = []string{
	".kubeadmconfig.bootstrap.cluster.x-k8s.io", ".kubeadmconfigtemplate.bootstrap.cluster.x-k8s.io",
	".kubeadmcontrolplane.controlplane.cluster.x-k8s.io", ".kubeadmcontrolplanetemplate.controlplane.cluster.x-k8s.io",
	".machinedeployment.cluster.x-k8s.io", ".machineset.cluster.x-k8s.io", ".machinehealthcheck.cluster.x-k8s.io",
}

func serveWebhooks(t *testing.T, environment *acctest.Environment) {
	t.Helper()
	options := &envtest.WebhookInstallOptions{}
	for _, provider := range config.Providers {
		mutating, validating, err := provider.Webhooks()
		if err != nil {
			t.Fatal(err)
		}
		mutating.Name, validating.Name = provider.Name, provider.Name
		mutating.Webhooks = slices.DeleteFunc(mutating.Webhooks, func(w admissionv1.MutatingWebhook) bool { return !isServed(w.Name) })
		validating.Webhooks = slices.DeleteFunc(validating.Webhooks, func(w admissionv1.ValidatingWebhook) bool { return !isServed(w.Name) })
		options.MutatingWebhooks = append(options.MutatingWebhooks, mutating)
		options.ValidatingWebhooks = append(options.ValidatingWebhooks, validating)
	}
	if err := options.Install(environment.Cluster.RESTConfig); err != nil {
		t.Fatal(err)
	}
	mgr, err := ctrl.NewManager(environment.Cluster.RESTConfig, ctrl.Options{
		Scheme: webhookScheme(t), Metrics: server.Options{BindAddress: "0"},
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: options.LocalServingHost, Port: options.LocalServingPort, CertDir: options.LocalServingCertDir,
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, hook := range []interface{ SetupWebhookWithManager(ctrl.Manager) error }{
		&bootstrapadmission.KubeadmConfig{}, &bootstrapadmission.KubeadmConfigTemplate{},
		&controlplaneadmission.KubeadmControlPlane{}, &controlplaneadmission.KubeadmControlPlaneTemplate{},
		&coreadmission.MachineDeployment{}, &coreadmission.MachineSet{}, &coreadmission.MachineHealthCheck{},
	} {
		if err := hook.SetupWebhookWithManager(mgr); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		for _, configuration := range options.MutatingWebhooks {
			_ = environment.Cluster.Delete(context.WithoutCancel(t.Context()), configuration)
		}
		for _, configuration := range options.ValidatingWebhooks {
			_ = environment.Cluster.Delete(context.WithoutCancel(t.Context()), configuration)
		}
		if err := options.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	for mgr.GetWebhookServer().StartedChecker()(nil) != nil {
		select {
		case err := <-stopped:
			t.Fatalf("the webhooks cannot be served: %v", err)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	convertKinds(t, environment, options)
}

// convertKinds has the webhooks convert the kinds that have several versions, of those
// whose webhooks are served.
func convertKinds(t *testing.T, environment *acctest.Environment, options *envtest.WebhookInstallOptions) {
	t.Helper()
	controlplaneconversion.SetAPIVersionGetter(func(_ context.Context, kind schema.GroupKind) (string, error) {
		// All bundled kinds have this version.
		return schema.GroupVersion{Group: kind.Group, Version: clusterv1.GroupVersion.Version}.String(), nil
	})
	url := fmt.Sprintf("https://%s:%d/convert", options.LocalServingHost, options.LocalServingPort)
	for _, provider := range config.Providers {
		crds, err := provider.CRDs()
		if err != nil {
			t.Fatal(err)
		}
		for _, crd := range crds {
			if !config.Converts(crd) || !isServed("."+strings.ToLower(crd.Spec.Names.Kind)+"."+crd.Spec.Group) {
				continue
			}
			served := &apiextensionsv1.CustomResourceDefinition{}
			if err := environment.Cluster.Get(t.Context(), client.ObjectKeyFromObject(crd), served); err != nil {
				t.Fatal(err)
			}
			before := served.DeepCopy()
			served.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{
				Strategy: apiextensionsv1.WebhookConverter,
				Webhook: &apiextensionsv1.WebhookConversion{
					ClientConfig:             &apiextensionsv1.WebhookClientConfig{URL: &url, CABundle: options.LocalServingCAData},
					ConversionReviewVersions: []string{"v1"},
				},
			}
			if err := environment.Cluster.Patch(t.Context(), served, client.MergeFrom(before)); err != nil {
				t.Fatal(err)
			}
			// Other tests with this API server have no webhooks.
			t.Cleanup(func() {
				converted := served.DeepCopy()
				served.Spec.Conversion = before.Spec.Conversion
				if err := environment.Cluster.Patch(context.WithoutCancel(t.Context()), served, client.MergeFrom(converted)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// webhookScheme has the old versions too, from and to which webhooks convert.
func webhookScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clusterv1.AddToScheme, clusterv1beta1.AddToScheme, bootstrapv1.AddToScheme, bootstrapv1beta1.AddToScheme,
		controlplanev1.AddToScheme, controlplanev1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

func isServed(name string) bool {
	return slices.ContainsFunc(served, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// maxRounds is how often everything is reconciled at most. One machine deployment
// a round changes its version.
const maxRounds = 20

// Settle reconciles a class and a cluster of it until nothing changes any more.
func (c *Controllers) Settle(ctx context.Context, class, cluster client.ObjectKey) error {
	if err := c.reconcileClass(ctx, class); err != nil {
		return err
	}
	before, err := c.versions(ctx, cluster)
	if err != nil {
		return err
	}
	for range maxRounds {
		result, err := c.topology.Reconcile(ctx, ctrl.Request{NamespacedName: cluster})
		if err != nil {
			return fmt.Errorf("reconciling the topology of Cluster %s: %w", cluster, err)
		}
		if err := c.finish(ctx, cluster); err != nil {
			return err
		}
		after, err := c.versions(ctx, cluster)
		if err != nil {
			return err
		}
		if before == after && result.IsZero() {
			return nil
		}
		before = after
	}
	return fmt.Errorf("cluster %s does not settle in %d rounds", cluster, maxRounds)
}

// reconcileClass has the class reconciled until its variables are ready: the
// first time, all that is said of it is that it is not paused.
func (c *Controllers) reconcileClass(ctx context.Context, key client.ObjectKey) error {
	for range maxRounds {
		if _, err := c.class.Reconcile(ctx, ctrl.Request{NamespacedName: key}); err != nil {
			return fmt.Errorf("reconciling ClusterClass %s: %w", key, err)
		}
		class := &clusterv1.ClusterClass{}
		if err := c.Get(ctx, key, class); err != nil {
			return err
		}
		if class.Status.ObservedGeneration == class.Generation && conditions.IsTrue(class, clusterv1.ClusterClassVariablesReadyCondition) {
			return nil
		}
	}
	return fmt.Errorf("the variables of ClusterClass %s do not become ready", key)
}

// finish has the machine deployments reconciled and their old machine sets gone, and the
// control plane say that it is done.
func (c *Controllers) finish(ctx context.Context, cluster client.ObjectKey) error {
	controlPlanes := &controlplanev1.KubeadmControlPlaneList{}
	if err := c.List(ctx, controlPlanes, of(cluster)...); err != nil {
		return err
	}
	for i := range controlPlanes.Items {
		kcp := &controlPlanes.Items[i]
		done := []clusterv1.StatusVersion{{Version: kcp.Spec.Version, Replicas: ptr.Deref(kcp.Spec.Replicas, 1)}}
		if slices.Equal(kcp.Status.Versions, done) {
			continue
		}
		kcp.Status.Versions, kcp.Status.Replicas = done, kcp.Spec.Replicas
		if err := c.Status().Update(ctx, kcp); err != nil {
			return fmt.Errorf("finishing KubeadmControlPlane %s: %w", kcp.Name, err)
		}
	}
	deployments := &clusterv1.MachineDeploymentList{}
	if err := c.List(ctx, deployments, of(cluster)...); err != nil {
		return err
	}
	for i := range deployments.Items {
		key := client.ObjectKeyFromObject(&deployments.Items[i])
		if _, err := c.machineDeployments.Reconcile(ctx, ctrl.Request{NamespacedName: key}); err != nil {
			return fmt.Errorf("reconciling MachineDeployment %s: %w", key, err)
		}
	}
	sets := &clusterv1.MachineSetList{}
	if err := c.List(ctx, sets, of(cluster)...); err != nil {
		return err
	}
	for i := range deployments.Items {
		if err := c.deleteOldSets(ctx, &deployments.Items[i], sets.Items); err != nil {
			return err
		}
	}
	return nil
}

// deleteOldSets deletes the machine sets of a machine deployment that have no machines
// any more, which the controller does once their machines are gone.
func (c *Controllers) deleteOldSets(ctx context.Context, md *clusterv1.MachineDeployment, sets []clusterv1.MachineSet) error {
	var owned []*clusterv1.MachineSet
	for i := range sets {
		if metav1.IsControlledBy(&sets[i], md) {
			owned = append(owned, &sets[i])
		}
	}
	_, old, _, _ := mdutil.FindNewAndOldMachineSets(md, owned, metav1.Now())
	for _, set := range old {
		set.Finalizers = nil
		if err := c.Update(ctx, set); err != nil {
			return err
		}
		if err := c.Delete(ctx, set); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

// versions tell whether anything about a cluster's machines changed.
func (c *Controllers) versions(ctx context.Context, cluster client.ObjectKey) (string, error) {
	var versions []string
	for _, kind := range []schema.GroupVersionKind{
		controlplanev1.GroupVersion.WithKind("KubeadmControlPlaneList"), clusterv1.GroupVersion.WithKind("MachineDeploymentList"),
		clusterv1.GroupVersion.WithKind("MachinePoolList"), clusterv1.GroupVersion.WithKind("MachineSetList"),
	} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind)
		if err := c.List(ctx, list, of(cluster)...); err != nil {
			return "", err
		}
		for i := range list.Items {
			versions = append(versions, list.Items[i].Name, list.Items[i].ResourceVersion)
		}
	}
	return strings.Join(versions, " "), nil
}

func of(cluster client.ObjectKey) []client.ListOption {
	return []client.ListOption{client.InNamespace(cluster.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: cluster.Name}}
}
