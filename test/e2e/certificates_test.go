// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/tls"
	"net"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// certificatesEnd: the certificates of a control plane node end in three days. The class asks for its machines to be
// replaced 30 days before.
var certificatesEnd = fault{
	name: "certificates about to end",
	inflict: func(o *ordeal) func() {
		node := o.containersOf(identity.RoleControlPlane)[0]
		acctest.Docker(o.t, "exec", node, "bash", "-ec", `
			export KUBECONFIG=/etc/kubernetes/admin.conf
			kubectl --namespace=kube-system get configmap kubeadm-config --output=jsonpath='{.data.ClusterConfiguration}' >/run/kubeadm.yaml
			echo "certificateValidityPeriod: 72h" >>/run/kubeadm.yaml
			kubeadm certs renew all --config=/run/kubeadm.yaml
			pkill --exact kube-apiserver`)
		o.expectCertificateEnds(node)
		o.forgetExpiry(node)
		return nil
	},
	sign:     regexp.MustCompile(`^Machine .*UpToDate=False .*[Cc]ertificates will expire soon`),
	replaces: true,
}

// expectCertificateEnds waits until a node's API server presents the certificate that ends soon.
func (o *ordeal) expectCertificateEnds(node string) {
	o.t.Helper()
	address := acctest.Docker(o.t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", node)
	NewWithT(o.t).Eventually(func(g Gomega) {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // Only its end matters.
		conn, err := dialer.DialContext(o.t.Context(), "tcp", net.JoinHostPort(strings.TrimSpace(address), "6443"))
		g.Expect(err).NotTo(HaveOccurred())
		defer conn.Close() //nolint:errcheck // nothing was written
		leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		g.Expect(leaf.NotAfter).To(BeTemporally("<", time.Now().Add(4*24*time.Hour)))
	}).WithTimeout(recoveryTime).WithPolling(time.Second).Should(Succeed())
}

// forgetExpiry has the control plane provider read the end of a node's certificates again, which it does once.
func (o *ordeal) forgetExpiry(node string) {
	o.t.Helper()
	g := NewWithT(o.t)
	configs := &bootstrapv1.KubeadmConfigList{}
	g.Expect(o.mgmt.List(o.t.Context(), configs)).To(Succeed())
	for i := range configs.Items {
		config := &configs.Items[i]
		if config.Name == node {
			before := config.DeepCopy()
			delete(config.Annotations, clusterv1.MachineCertificatesExpiryDateAnnotation)
			g.Expect(o.mgmt.Patch(o.t.Context(), config, client.MergeFrom(before))).To(Succeed())
			return
		}
	}
	o.t.Fatalf("no KubeadmConfig is called %s", node)
}
