// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"errors"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const dockerProvider = "infrastructure-docker"

// installed is a management cluster that has these providers. Its API is a fake: webhooks answer what the test says.
func installed(t *testing.T, webhook error, names ...string) *management.Cluster {
	t.Helper()
	g := NewWithT(t)
	objects := map[string]client.Object{}
	for _, name := range names {
		provider, err := config.Find(name)
		g.Expect(err).NotTo(HaveOccurred())
		i := installation{Provider: provider, image: Image{Reference: "localhost/x:y"}}
		stages, err := i.stages()
		g.Expect(err).NotTo(HaveOccurred())
		for _, stage := range append(stages, []client.Object{i.inventoryEntry("0.1.0")}) {
			for _, object := range stage {
				ready(object)
				objects[object.GetNamespace()+"/"+object.GetName()+"/"+kindOf(object)] = object
			}
		}
	}
	builder := fake.NewClientBuilder().WithScheme(management.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			if webhook != nil {
				return webhook
			}
			return c.Create(ctx, object, opts...)
		},
	})
	for _, object := range objects {
		builder = builder.WithObjects(object)
	}
	return &management.Cluster{Client: builder.Build()}
}

func kindOf(object client.Object) string {
	gvk, err := apiutil.GVKForObject(object, management.Scheme)
	if err != nil {
		return ""
	}
	return gvk.Kind
}

// ready makes an object what it is when its controllers run and have issued their certificate.
func ready(object client.Object) {
	authority := []byte("authority")
	switch object := object.(type) {
	case *appsv1.Deployment:
		object.Status = appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}
	case *admissionv1.MutatingWebhookConfiguration:
		for n := range object.Webhooks {
			object.Webhooks[n].ClientConfig.CABundle = authority
		}
	case *admissionv1.ValidatingWebhookConfiguration:
		for n := range object.Webhooks {
			object.Webhooks[n].ClientConfig.CABundle = authority
		}
	case *apiextensionsv1.CustomResourceDefinition:
		if object.Spec.Conversion != nil {
			object.Spec.Conversion.Webhook.ClientConfig.CABundle = authority
		}
	}
}

// spoilConversion changes how Clusters are converted.
func spoilConversion(t *testing.T, change func(*apiextensionsv1.CustomResourceDefinition)) func(g Gomega, cluster *management.Cluster) {
	t.Helper()
	return func(g Gomega, cluster *management.Cluster) {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		g.Expect(cluster.Get(t.Context(), client.ObjectKey{Name: "clusters.cluster.x-k8s.io"}, crd)).To(Succeed())
		change(crd)
		g.Expect(cluster.Update(t.Context(), crd)).To(Succeed())
	}
}

func TestPending(t *testing.T) {
	deployment := client.ObjectKey{Namespace: "capi-system", Name: "capi-controller-manager"}
	for name, test := range map[string]struct {
		webhook error
		spoil   func(g Gomega, cluster *management.Cluster)
		want    string
	}{
		"everything works": {},
		"a webhook that refuses has answered": {
			webhook: errors.New(`admission webhook "x" denied the request: spec is empty`),
		},
		"no pod is available": {
			spoil: func(g Gomega, cluster *management.Cluster) {
				object := &appsv1.Deployment{}
				g.Expect(cluster.Get(t.Context(), deployment, object)).To(Succeed())
				object.Status.AvailableReplicas = 0
				g.Expect(cluster.Status().Update(t.Context(), object)).To(Succeed())
				g.Expect(cluster.Client.Create(t.Context(), &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, Name: "capi-controller-manager-1"},
					Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{
						Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: "the image is not present"},
					}}}},
				})).To(Succeed())
			},
			want: "Deployment capi-system/capi-controller-manager: 0 of 1 pods are available; " +
				"pod capi-controller-manager-1: ErrImageNeverPull: the image is not present",
		},
		"no number of pods, which is one": {
			spoil: func(g Gomega, cluster *management.Cluster) {
				object := &appsv1.Deployment{}
				g.Expect(cluster.Get(t.Context(), deployment, object)).To(Succeed())
				object.Spec.Replicas = nil
				g.Expect(cluster.Update(t.Context(), object)).To(Succeed())
			},
		},
		"no conversion": {
			spoil: spoilConversion(t, func(crd *apiextensionsv1.CustomResourceDefinition) { crd.Spec.Conversion = nil }),
			want:  "provider cluster-api has not issued its certificate for clusters.cluster.x-k8s.io",
		},
		"no webhook in a conversion": {
			spoil: spoilConversion(t, func(crd *apiextensionsv1.CustomResourceDefinition) {
				crd.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
			}),
			want: "provider cluster-api has not issued its certificate for clusters.cluster.x-k8s.io",
		},
		"no client in a conversion": {
			spoil: spoilConversion(t, func(crd *apiextensionsv1.CustomResourceDefinition) { crd.Spec.Conversion.Webhook.ClientConfig = nil }),
			want:  "provider cluster-api has not issued its certificate for clusters.cluster.x-k8s.io",
		},
		"no authority in a conversion": {
			spoil: spoilConversion(t, func(crd *apiextensionsv1.CustomResourceDefinition) {
				crd.Spec.Conversion.Webhook.ClientConfig.CABundle = nil
			}),
			want: "provider cluster-api has not issued its certificate for clusters.cluster.x-k8s.io",
		},
		"a webhook that does not answer": {
			webhook: errors.New(`Internal error occurred: failed calling webhook "x": connection refused`),
			want:    `the webhooks of provider cluster-api do not answer: Internal error occurred: failed calling webhook "x": connection refused`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cluster := installed(t, test.webhook, "cluster-api")
			if test.spoil != nil {
				test.spoil(g, cluster)
			}
			got, err := Pending(t.Context(), cluster, "cluster-api")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(test.want))
		})
	}
}

func TestInstalled(t *testing.T) {
	g := NewWithT(t)
	cluster := installed(t, nil, dockerProvider)

	status, err := Installed(t.Context(), cluster, dockerProvider)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(Equal(&Status{Release: Own("0.1.0"), Origin: ByTerraform, Image: "localhost/x:y"}))

	_, err = Installed(t.Context(), cluster, "cluster-api")
	g.Expect(management.IsAbsent(err)).To(BeTrue(), "%v", err)
}

func TestServes(t *testing.T) {
	g := NewWithT(t)
	cluster := installed(t, nil, "cluster-api")
	g.Expect(Serves(t.Context(), cluster, "cluster-api")).To(BeEmpty())

	g.Expect(cluster.Create(t.Context(), &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "web"}})).To(Succeed())
	g.Expect(Serves(t.Context(), cluster, "cluster-api")).To(ConsistOf("Cluster team/web"))
}

// A kind that is not served at the moment may have objects, unless its definition is
// gone as well.
func TestServesOfAnUnservedKind(t *testing.T) {
	const name = "clusters.cluster.x-k8s.io"
	resource := schema.GroupResource{Group: "cluster.x-k8s.io", Resource: "clusters"}
	for what, unserved := range map[string]error{
		"the path is not found":         apierrors.NewGenericServerResponse(http.StatusNotFound, "list", resource, "", "404 page not found", 0, true),
		"discovery does not have it":    &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: resource.Group, Kind: "Cluster"}, SearchedVersions: []string{"v1beta2"}},
		"the server refuses to list it": apierrors.NewForbidden(resource, "", nil),
	} {
		t.Run(what, func(t *testing.T) {
			g := NewWithT(t)
			cluster := installed(t, nil, "cluster-api")
			served, _ := cluster.Client.(client.WithWatch)
			cluster.Client = interceptor.NewClient(served, interceptor.Funcs{
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if list.GetObjectKind().GroupVersionKind().Kind == "ClusterList" {
						return unserved
					}
					return c.List(ctx, list, opts...)
				},
			})
			_, err := Serves(t.Context(), cluster, "cluster-api")
			g.Expect(err).To(MatchError(ContainSubstring("listing the clusters that provider cluster-api serves")), "while there is a definition")

			g.Expect(cluster.Delete(t.Context(), &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
			_, err = Serves(t.Context(), cluster, "cluster-api")
			if apierrors.IsForbidden(unserved) {
				g.Expect(err).To(HaveOccurred())
			} else {
				g.Expect(err).NotTo(HaveOccurred(), "when there is none")
			}
		})
	}
}
