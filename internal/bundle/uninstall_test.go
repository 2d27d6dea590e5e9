// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

// What one provider leaves must be what the others need, and the last one leaves
// nothing, except for what was there before.
func TestIntegrationUninstall(t *testing.T) {
	g := NewWithT(t)
	cluster := acctest.NeedAPIServer(t).Cluster
	theirs := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "capi-system"}}
	g.Expect(cluster.Create(t.Context(), theirs)).To(Succeed())

	uids := map[string]types.UID{}
	for _, name := range []string{dockerProvider, "cluster-api"} {
		creation, err := Begin(t.Context(), cluster, name, "0.1.0")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(Install(t.Context(), cluster, name, "0.1.0", Image{Reference: "localhost/x:y"}, Settings{})).To(Succeed())
		g.Expect(creation.Finish(t.Context())).To(Succeed(), "the mark outlives the installation")
		status, err := Installed(t.Context(), cluster, name)
		g.Expect(err).NotTo(HaveOccurred())
		uids[name] = status.UID
		_, err = Begin(t.Context(), cluster, name, "0.1.0")
		g.Expect(err).To(MatchError(management.ErrExists))
	}
	foreign := replaceByForeign(t, cluster)
	uninstall := func(name string) {
		// An API server that is asked to delete a kind while it still prepares its storage tries again in five minutes.
		g.Eventually(func() ([]string, error) { return Serves(t.Context(), cluster, name) }).WithTimeout(time.Minute).Should(BeEmpty())
		g.Expect(Uninstall(t.Context(), cluster, name)).To(Succeed())
		g.Eventually(func() (string, error) { return Gone(t.Context(), cluster, name) }).WithTimeout(time.Minute).Should(BeEmpty())
		_, err := Installed(t.Context(), cluster, name)
		g.Expect(err).NotTo(HaveOccurred(), "until it is unregistered it shows that there is something left")
		g.Expect(Unregister(t.Context(), cluster, name, uids[name])).To(Succeed())
		g.Eventually(func() (string, error) { return Unregistered(t.Context(), cluster, name) }).WithTimeout(time.Minute).Should(BeEmpty())
	}

	uninstall(dockerProvider)
	entries := &clusterctlv1.ProviderList{}
	g.Expect(cluster.List(t.Context(), entries)).To(Succeed())
	g.Expect(entries.Items).To(HaveLen(1))
	uninstall("cluster-api")
	g.Expect(Uninstall(t.Context(), cluster, "cluster-api")).To(Succeed(), "again")
	g.Expect(Unregister(t.Context(), cluster, "cluster-api", uids["cluster-api"])).To(Succeed(), "again")

	g.Expect(cluster.Get(t.Context(), client.ObjectKeyFromObject(theirs), theirs)).To(Succeed(), "a namespace that was there before")
	for _, object := range foreign {
		uid := object.GetUID()
		g.Expect(cluster.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed(), "somebody's object")
		g.Expect(object.GetUID()).To(Equal(uid))
		g.Expect(object.GetDeletionTimestamp()).To(BeNil())
	}
	g.Expect(cluster.Get(t.Context(), client.ObjectKey{Namespace: "capi-system", Name: "capi-controller-manager"}, &appsv1.Deployment{})).NotTo(Succeed())
	g.Expect(cluster.Get(t.Context(), client.ObjectKey{Name: "capd-system"}, &corev1.Namespace{})).NotTo(Succeed())
	for _, name := range []string{"clusters.cluster.x-k8s.io", "dockerclusters.infrastructure.cluster.x-k8s.io", "providers.clusterctl.cluster.x-k8s.io"} {
		g.Eventually(func() error {
			return cluster.Get(t.Context(), client.ObjectKey{Name: name}, &apiextensionsv1.CustomResourceDefinition{})
		}).WithTimeout(time.Minute).ShouldNot(Succeed(), name)
	}
}

// replaceByForeign makes somebody's objects in the place of some that were installed.
func replaceByForeign(t *testing.T, cluster *management.Cluster) []client.Object {
	t.Helper()
	g := NewWithT(t)
	objects := []client.Object{
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "capi-system", Name: "capi-webhook-service"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}},
		},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "capi-manager-role"}},
	}
	for _, object := range objects {
		installed, _ := object.DeepCopyObject().(client.Object)
		g.Expect(cluster.Delete(t.Context(), installed)).To(Succeed(), "%T is not installed any more", object)
		g.Expect(cluster.Create(t.Context(), object, client.FieldOwner("somebody"))).To(Succeed())
	}
	return objects
}
