// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/bootstrap/kubeadm/reconcilers/kubeadmconfig"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
)

// A file of a KubeadmConfig gets its content, and a user its password, from a Secret in the cluster's namespace. Both are
// in the bootstrap data alone, from where the Docker provider knows that they are secret.
func TestContentFromSecret(t *testing.T) {
	g := NewWithT(t)
	const content, password = "s3cret-content", "s3cret-passw0rd"
	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "default", Name: name, UID: "uid", Labels: map[string]string{clusterv1.ClusterNameLabel: "test"}}
	}
	cluster := &clusterv1.Cluster{ObjectMeta: named("test")}
	cluster.Status.Initialization.InfrastructureProvisioned = ptr.To(true)
	cluster.Spec.ControlPlaneEndpoint = clusterv1.APIEndpoint{Host: "10.0.0.1", Port: 6443}
	machine := &clusterv1.Machine{ObjectMeta: named("cp-1"), Spec: clusterv1.MachineSpec{ClusterName: "test", Version: "v1.35.0"}}
	machine.Labels[clusterv1.MachineControlPlaneLabel] = ""
	config := &bootstrapv1.KubeadmConfig{ObjectMeta: named("config")}
	config.OwnerReferences = []metav1.OwnerReference{{APIVersion: clusterv1.GroupVersion.String(), Kind: "Machine", Name: "cp-1", UID: "uid"}}
	config.Spec.Files = []bootstrapv1.File{{
		Path: "/etc/secret", ContentFrom: bootstrapv1.FileSource{Secret: bootstrapv1.SecretFileSource{Name: "credentials", Key: "content"}},
	}}
	config.Spec.Users = []bootstrapv1.User{{
		Name: "alice", PasswdFrom: bootstrapv1.PasswdSource{Secret: bootstrapv1.SecretPasswdSource{Name: "credentials", Key: "password"}},
	}}
	credentials := &corev1.Secret{ObjectMeta: named("credentials"), Data: map[string][]byte{"content": []byte(content), "password": []byte(password)}}
	scheme := runtime.NewScheme()
	g.Expect(addToScheme(scheme)).To(Succeed())
	g.Expect(corev1.AddToScheme(scheme)).To(Succeed())
	c := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(config, cluster, machine).WithObjects(cluster, machine, config, credentials).Build()
	r := &kubeadmconfig.Reconciler{
		Client: c, SecretCachingClient: c, APIReader: c, ClusterCache: clustercache.NewFakeEmptyClusterCache(),
		KubeadmInitLock: unlocked{}, TokenTTL: time.Hour,
	}
	data := &corev1.Secret{}
	for range 3 { // The first says that nothing is paused.
		_, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(config)})
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(config), data)).To(Succeed())

	parsed, err := cloudinit.Parse(data.Data["value"], "cp-1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(parsed.Files).To(ContainElement(And(HaveField("Path", "/etc/secret"), HaveField("Content", []byte(content+"\n")))))
	g.Expect(parsed.Users).To(ContainElement(HaveField("Password", password)))
	g.Expect(cloudinit.Secrets(data.Data["value"]).Text("failed: " + content + " and " + password)).To(Equal("failed: <redacted> and <redacted>"))
}

// unlocked lets every machine initialise the cluster.
type unlocked struct{}

func (unlocked) Lock(context.Context, *clusterv1.Cluster, *clusterv1.Machine) bool { return true }

func (unlocked) Unlock(context.Context, *clusterv1.Cluster) bool { return true }
