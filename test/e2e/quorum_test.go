// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"regexp"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// quorumLost: two of three members of etcd are frozen, so that the API server cannot read or write.
var quorumLost = fault{
	name: "etcd's quorum lost",
	inflict: func(o *ordeal) func() {
		o.expect(o.writeData)
		frozen := o.containersOf(identity.RoleControlPlane)[:2]
		acctest.Docker(o.t, append([]string{"pause"}, frozen...)...)
		return func() { acctest.Docker(o.t, append([]string{"unpause"}, frozen...)...) }
	},
	sign: regexp.MustCompile(`^(Cluster .*(RemoteConnectionProbe|ControlPlaneAvailable)|KubeadmControlPlane .*(EtcdClusterHealthy|Available))=`),
	meanwhile: func(o *ordeal) {
		o.plan()
		NewWithT(o.t).Consistently(func(g Gomega) {
			g.Expect(o.machineNames(g)).To(Equal(o.machines), "a machine was replaced")
		}).WithTimeout(2 * time.Minute).WithPolling(10 * time.Second).Should(Succeed())
	},
	finally: func(o *ordeal) { o.expect(o.expectData) },
}

var data = corev1.ConfigMap{
	ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "data"},
	Data:       map[string]string{"written": "before the fault"},
}

func (o *ordeal) writeData(g Gomega, workload client.Client) {
	written := data.DeepCopy()
	g.Expect(client.IgnoreAlreadyExists(workload.Create(o.t.Context(), written))).To(Succeed())
}

func (o *ordeal) expectData(g Gomega, workload client.Client) {
	found := &corev1.ConfigMap{}
	g.Expect(workload.Get(o.t.Context(), client.ObjectKeyFromObject(&data), found)).To(Succeed())
	g.Expect(found.Data).To(Equal(data.Data))
	g.Expect(workload.Delete(o.t.Context(), found)).To(Succeed())
}
