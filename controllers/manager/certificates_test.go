// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func testCertificates(t *testing.T) *certificates {
	t.Helper()
	return &certificates{
		secret:  types.NamespacedName{Namespace: "capi-system", Name: "capi-webhook-service-cert"},
		service: "capi-webhook-service",
		dir:     filepath.Join(t.TempDir(), "serving-certs"),
	}
}

func TestIssueFillsAnEmptySecret(t *testing.T) {
	g := NewWithT(t)
	certs := testCertificates(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: certs.secret.Namespace, Name: certs.secret.Name}}
	apiClient := fake.NewClientBuilder().WithObjects(secret).Build()

	g.Expect(certs.ensure(t.Context(), apiClient)).To(Succeed())

	g.Expect(apiClient.Get(t.Context(), certs.secret, secret)).To(Succeed())
	pair, err := tls.LoadX509KeyPair(filepath.Join(certs.dir, "tls.crt"), filepath.Join(certs.dir, "tls.key"))
	g.Expect(err).NotTo(HaveOccurred())
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	g.Expect(err).NotTo(HaveOccurred())
	roots := x509.NewCertPool()
	g.Expect(roots.AppendCertsFromPEM(secret.Data["ca.crt"])).To(BeTrue())
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "capi-webhook-service.capi-system.svc"})
	g.Expect(err).NotTo(HaveOccurred())

	// cert-controller must accept what was issued, or it would rotate at once and every manager start would do it all
	// again.
	valid, err := rotator.ValidCert(secret.Data["ca.crt"], secret.Data["tls.crt"], secret.Data["tls.key"], certs.dnsName(),
		&[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, time.Now().Add(90*24*time.Hour))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(valid).To(BeTrue())
}

func TestIssueKeepsAValidCertificate(t *testing.T) {
	g := NewWithT(t)
	certs := testCertificates(t)
	data, err := certs.generate()
	g.Expect(err).NotTo(HaveOccurred())
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: certs.secret.Namespace, Name: certs.secret.Name}, Data: data}
	apiClient := fake.NewClientBuilder().WithObjects(secret).Build()

	g.Expect(certs.ensure(t.Context(), apiClient)).To(Succeed())

	after := &corev1.Secret{}
	g.Expect(apiClient.Get(t.Context(), client.ObjectKeyFromObject(secret), after)).To(Succeed())
	g.Expect(after.Data).To(Equal(data))
}

func TestIssueSaysWhichSecretIsMissing(t *testing.T) {
	certs := testCertificates(t)
	err := certs.ensure(t.Context(), fake.NewClientBuilder().Build())
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("Secret capi-system/capi-webhook-service-cert")))
}

func TestWebhooksListsEveryCaller(t *testing.T) {
	g := NewWithT(t)
	callers, err := webhooks("control-plane-kubeadm")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(callers).To(ConsistOf(
		rotator.WebhookInfo{Name: "capi-kubeadm-control-plane-mutating-webhook-configuration", Type: rotator.Mutating},
		rotator.WebhookInfo{Name: "capi-kubeadm-control-plane-validating-webhook-configuration", Type: rotator.Validating},
		rotator.WebhookInfo{Name: "kubeadmcontrolplanes.controlplane.cluster.x-k8s.io", Type: rotator.CRDConversion},
		rotator.WebhookInfo{Name: "kubeadmcontrolplanetemplates.controlplane.cluster.x-k8s.io", Type: rotator.CRDConversion},
	))
}
