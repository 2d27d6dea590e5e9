// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"cmp"
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate/csr"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// identity is whom credentials are for. The zero value is the administrator, whose credentials Cluster API keeps.
type identity struct {
	user   string
	groups []string
	// account is a service account, which excludes a user.
	account client.ObjectKey
	// ttl is how long credentials are to be valid. API servers may shorten it.
	ttl time.Duration
}

func (i identity) isAdministrator() bool { return i.user == "" && i.account.Name == "" }

// String names the identity in kubeconfigs and messages.
func (i identity) String() string {
	if i.account.Name != "" {
		return i.account.Namespace + ":" + i.account.Name
	}
	return i.user
}

const (
	// requestTimeout bounds each request to a cluster that is to issue credentials.
	requestTimeout = 30 * time.Second
	// signingTimeout is for a controller of the cluster that watches requests. Some control planes have none.
	signingTimeout = time.Minute
	// cleanupTimeout bounds the removal of a request that was served.
	cleanupTimeout = 10 * time.Second
)

// clients speak to the cluster itself, as its administrator.
func (s *stored) clients() (kubernetes.Interface, error) {
	administrator, err := s.credentials(endpointExternal)
	if err != nil {
		return nil, err
	}
	if err := s.checkCredentials(); err != nil {
		return nil, err
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(administrator.kubeconfig))
	if err != nil {
		return nil, err
	}
	config.Timeout = requestTimeout
	return kubernetes.NewForConfig(config)
}

// checkCredentials refuses a kubeconfig that would have this machine run a command or read a file. Cluster API makes none such,
// and others may be able to write the Secret.
func (s *stored) checkCredentials() error {
	config, err := clientcmd.Load(s.raw)
	if err != nil {
		return err
	}
	cluster, user, err := current(config)
	if err != nil {
		return err
	}
	if user.Exec != nil || user.AuthProvider != nil ||
		cmp.Or(cluster.CertificateAuthority, user.ClientCertificate, user.ClientKey, user.TokenFile) != "" {
		return errors.New("the kubeconfig in the management cluster names commands or files, which are not used: it has to have the credentials themselves")
	}
	return nil
}

// issue lets the cluster issue credentials.
func (i identity) issue(ctx context.Context, clients kubernetes.Interface) (*clientcmdapi.AuthInfo, time.Time, error) {
	if i.account.Name != "" {
		return i.issueToken(ctx, clients)
	}
	return i.issueCertificate(ctx, clients)
}

// issueToken asks for a token of the service account. It ends with the account.
func (i identity) issueToken(ctx context.Context, clients kubernetes.Interface) (*clientcmdapi.AuthInfo, time.Time, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To(int64(i.ttl.Seconds()))}}
	answer, err := clients.CoreV1().ServiceAccounts(i.account.Namespace).CreateToken(ctx, i.account.Name, request, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) {
		return nil, time.Time{}, fmt.Errorf("the cluster has no ServiceAccount %s, which has to be created first: %w", i.account, err)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return &clientcmdapi.AuthInfo{Token: answer.Status.Token}, answer.Status.ExpirationTimestamp.Time, nil
}

// issueCertificate requests a client certificate, approves the request, and takes what the cluster's signer makes of it.
func (i identity) issueCertificate(ctx context.Context, clients kubernetes.Interface) (*clientcmdapi.AuthInfo, time.Time, error) {
	keyPEM, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("making a key: %w", err)
	}
	key, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("making a key: %w", err)
	}
	request, err := certutil.MakeCSR(key, &pkix.Name{CommonName: i.user, Organization: i.groups}, nil, nil)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("making a certificate signing request: %w", err)
	}
	name, uid, err := csr.RequestCertificateWithContext(ctx, clients, request, "", certificatesv1.KubeAPIServerClientSignerName, &i.ttl,
		[]certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth}, key)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		// Kubernetes removes requests after an hour by itself.
		_ = clients.CertificatesV1().CertificateSigningRequests().Delete(ctx, name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(uid))})
	}()
	if err := approve(ctx, clients, name); err != nil {
		return nil, time.Time{}, err
	}
	signing, cancel := context.WithTimeout(ctx, signingTimeout)
	defer cancel()
	certificate, err := csr.WaitForCertificate(signing, clients, name, uid)
	if err != nil {
		// The text alone: whoever waits would take the error for the end of its own time.
		return nil, time.Time{}, fmt.Errorf("the signer %s has not signed CertificateSigningRequest %s within %s: %s",
			certificatesv1.KubeAPIServerClientSignerName, name, signingTimeout, err.Error())
	}
	return &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: keyPEM}, expiry(certificate), nil
}

func approve(ctx context.Context, clients kubernetes.Interface, name string) error {
	requests := clients.CertificatesV1().CertificateSigningRequests()
	request, err := requests.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	request.Status.Conditions = append(request.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue,
		Reason: "RequestedByTerraform", Message: "Requested and approved by capi_kubeconfig of Terraform.",
	})
	_, err = requests.UpdateApproval(ctx, name, request, metav1.UpdateOptions{})
	return err
}
