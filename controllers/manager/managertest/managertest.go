// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package managertest sets providers up in managers that are never started, so that it needs no API server.
package managertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	controllerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

// managers is how many there are.
var managers atomic.Int32

// New returns a manager as the settings ask for. Its API server answers everything with the namespace that tells the
// management cluster.
func New(t *testing.T, settings manager.Settings) ctrl.Manager {
	t.Helper()
	g := gomega.NewWithT(t)
	scheme, err := settings.NewScheme()
	g.Expect(err).NotTo(gomega.HaveOccurred())
	mapper := meta.NewDefaultRESTMapper(scheme.PrioritizedVersionsAllGroups())
	for gvk := range scheme.AllKnownTypes() {
		mapper.Add(gvk, meta.RESTScopeNamespace)
	}
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "management-uid"}})
	}))
	t.Cleanup(server.Close)
	mgr, err := ctrl.NewManager(&rest.Config{Host: server.URL}, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		// Names are unique in a process, and other tests of it set up the same informers and controllers.
		Cache:          settings.CacheOptions(scheme, fmt.Sprintf("manager-%d", managers.Add(1)), "", time.Minute),
		Controller:     controllerconfig.Controller{SkipNameValidation: ptr.To(true)},
		Client:         settings.ClientOptions(),
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mapper, nil },
	})
	g.Expect(err).NotTo(gomega.HaveOccurred())
	return mgr
}

// SetUp adds a provider to a manager of its own, with the flags in args.
func SetUp(t *testing.T, provider manager.Provider, args ...string) (ctrl.Manager, error) {
	t.Helper()
	settings, options := provider.Settings(), &manager.Options{}
	flags := pflag.NewFlagSet(t.Name(), pflag.ContinueOnError)
	options.AddFlags(flags, settings)
	provider.AddFlags(flags, options)
	gomega.NewWithT(t).Expect(flags.Parse(args)).To(gomega.Succeed())
	mgr := New(t, settings)
	return mgr, provider.AddToManager(t.Context(), mgr, options)
}

// NeedWebhooks fails the test unless the manager serves what the manifests of the provider called name have API servers
// call: they refuse all objects of a kind whose webhook is missing.
func NeedWebhooks(t *testing.T, mgr ctrl.Manager, name string) {
	t.Helper()
	g := gomega.NewWithT(t)
	provider, err := config.Find(name)
	g.Expect(err).NotTo(gomega.HaveOccurred())
	mutating, validating, err := provider.Webhooks()
	g.Expect(err).NotTo(gomega.HaveOccurred())
	var paths []string
	for _, webhook := range mutating.Webhooks {
		paths = append(paths, *webhook.ClientConfig.Service.Path)
	}
	for _, webhook := range validating.Webhooks {
		paths = append(paths, *webhook.ClientConfig.Service.Path)
	}
	g.Expect(paths).NotTo(gomega.BeEmpty())
	mux := mgr.GetWebhookServer().WebhookMux()
	for _, path := range paths {
		_, served := mux.Handler(httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody))
		g.Expect(served).To(gomega.Equal(path), "nothing serves %s", path)
	}
	crds, err := provider.CRDs()
	g.Expect(err).NotTo(gomega.HaveOccurred())
	for _, crd := range crds {
		needConversions(t, g, mux, crd)
	}
}

// needConversions fails the test unless objects of the kind are converted from each version to each other one.
func needConversions(t *testing.T, g *gomega.WithT, server http.Handler, crd *apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	for _, from := range crd.Spec.Versions {
		for _, to := range crd.Spec.Versions {
			if from.Name == to.Name {
				continue
			}
			object := metav1.PartialObjectMetadata{
				TypeMeta:   metav1.TypeMeta{APIVersion: crd.Spec.Group + "/" + from.Name, Kind: crd.Spec.Names.Kind},
				ObjectMeta: metav1.ObjectMeta{Name: "test"},
			}
			review := apiextensionsv1.ConversionReview{Request: &apiextensionsv1.ConversionRequest{
				UID: "test", DesiredAPIVersion: crd.Spec.Group + "/" + to.Name, Objects: []runtime.RawExtension{{Object: &object}},
			}}
			review.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("ConversionReview"))
			body, err := json.Marshal(review)
			g.Expect(err).NotTo(gomega.HaveOccurred())
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/convert", bytes.NewReader(body))
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, request)
			g.Expect(json.Unmarshal(answer.Body.Bytes(), &review)).To(gomega.Succeed(), "%s: %s", crd.Name, answer.Body)
			g.Expect(review.Response).To(gomega.HaveField("Result.Status", metav1.StatusSuccess), "%s from %s to %s", crd.Name, from.Name, to.Name)
		}
	}
}
