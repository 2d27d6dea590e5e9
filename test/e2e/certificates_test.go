// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
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

// webhookCertificateEnds: the certificate that the Docker provider's webhooks present ends in three days.
var webhookCertificateEnds = fault{
	name: "webhook certificate about to end",
	inflict: func(o *ordeal) func() {
		o.endWebhookCertificate()
		return nil
	},
	meanwhile: func(o *ordeal) {
		NewWithT(o.t).Eventually(func(g Gomega) {
			g.Expect(o.webhookCertificate(g).NotAfter).To(BeTemporally(">", time.Now().AddDate(0, 6, 0)))
		}).WithTimeout(recoveryTime).WithPolling(time.Second).Should(Succeed())
	},
	// The API server trusts what the webhook presents: otherwise it would not let anything be written.
	finally: func(o *ordeal) {
		g, clusters := NewWithT(o.t), &infrav1.DockerClusterList{}
		g.Expect(o.mgmt.List(o.t.Context(), clusters)).To(Succeed())
		g.Expect(o.mgmt.Update(o.t.Context(), &clusters.Items[0], client.DryRunAll)).To(Succeed())
	},
}

var webhookSecret = types.NamespacedName{Namespace: "capd-system", Name: "capd-webhook-service-cert"}

// endWebhookCertificate replaces the certificate by one of the same authority that ends in three days.
func (o *ordeal) endWebhookCertificate() {
	o.t.Helper()
	g, secret := NewWithT(o.t), &corev1.Secret{}
	g.Expect(o.mgmt.Get(o.t.Context(), webhookSecret, secret)).To(Succeed())
	authority, err := tls.X509KeyPair(secret.Data["ca.crt"], secret.Data["ca.key"])
	g.Expect(err).NotTo(HaveOccurred())
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	g.Expect(err).NotTo(HaveOccurred())
	leaf := *pair.Leaf
	leaf.NotAfter = time.Now().Add(3 * 24 * time.Hour)
	ending, err := x509.CreateCertificate(rand.Reader, &leaf, authority.Leaf, leaf.PublicKey, authority.PrivateKey)
	g.Expect(err).NotTo(HaveOccurred())
	secret.Data[corev1.TLSCertKey] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ending})
	g.Expect(o.mgmt.Update(o.t.Context(), secret)).To(Succeed())
}

// webhookCertificate is the one in the Secret.
func (o *ordeal) webhookCertificate(g Gomega) *x509.Certificate {
	secret := &corev1.Secret{}
	g.Expect(o.mgmt.Get(o.t.Context(), webhookSecret, secret)).To(Succeed())
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	g.Expect(block).NotTo(BeNil())
	certificate, err := x509.ParseCertificate(block.Bytes)
	g.Expect(err).NotTo(HaveOccurred())
	return certificate
}
