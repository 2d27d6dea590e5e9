// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

// Keys of the Secret. They are cert-controller's, which rotates what is stored there.
const (
	caCertKey = "ca.crt"
	caKeyKey  = "ca.key"
	certKey   = corev1.TLSCertKey
	keyKey    = corev1.TLSPrivateKeyKey
)

const (
	caValidity     = 10 * 365 * 24 * time.Hour
	serverValidity = 365 * 24 * time.Hour
	organization   = "terraform-provider-capi"
)

// certificates are the webhook server's certificates: kept in a Secret, where cert-controller rotates them and injects
// their authority into webhook configurations and CRDs, and mirrored into the folder that the server reads.
//
// The folder is the manager's own and not a mount of the Secret, because kubelet refreshes mounts about once a minute:
// a fresh manager would wait that long for its first certificate, and calls would fail that long after a rotation.
type certificates struct {
	secret   types.NamespacedName
	service  string
	dir      string
	webhooks []rotator.WebhookInfo
}

// webhooks lists what calls the provider's webhooks, and so must trust its certificate.
func webhooks(name string) ([]rotator.WebhookInfo, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	crds, err := provider.CRDs()
	if err != nil {
		return nil, err
	}
	callers := []rotator.WebhookInfo{
		{Name: provider.ObjectName(config.MutatingWebhooks), Type: rotator.Mutating},
		{Name: provider.ObjectName(config.ValidatingWebhooks), Type: rotator.Validating},
	}
	for _, crd := range crds {
		if config.Converts(crd) {
			callers = append(callers, rotator.WebhookInfo{Name: crd.Name, Type: rotator.CRDConversion})
		}
	}
	return callers, nil
}

func (c *certificates) dnsName() string {
	return fmt.Sprintf("%s.%s.svc", c.service, c.secret.Namespace)
}

func (c *certificates) rotator() *rotator.CertRotator {
	return &rotator.CertRotator{
		SecretKey:             c.secret,
		CertDir:               c.dir,
		CAName:                organization + "-ca",
		CAOrganization:        organization,
		DNSName:               c.dnsName(),
		IsReady:               make(chan struct{}),
		Webhooks:              c.webhooks,
		FieldOwner:            organization + "-certificates",
		CaCertDuration:        caValidity,
		ServerCertDuration:    serverValidity,
		RequireLeaderElection: true,
		ControllerName:        "webhook-certificates",
	}
}

// ensure makes sure, before the manager starts, that the Secret holds a valid certificate and the folder a copy: the
// webhook server refuses to start without.
func (c *certificates) ensure(ctx context.Context, apiClient client.Client) error {
	secret := &corev1.Secret{}
	err := retry.OnError(retry.DefaultRetry, apierrors.IsConflict, func() error {
		if err := apiClient.Get(ctx, c.secret, secret); err != nil {
			return err
		}
		valid, err := rotator.ValidCert(secret.Data[caCertKey], secret.Data[certKey], secret.Data[keyKey], c.dnsName(), nil, time.Now())
		if err == nil && valid {
			return nil
		}
		if secret.Data, err = c.generate(); err != nil {
			return err
		}
		return apiClient.Update(ctx, secret)
	})
	if err != nil {
		return fmt.Errorf("issuing the webhook certificate in Secret %s: %w", c.secret, err)
	}
	return c.write(secret)
}

func (c *certificates) generate() (map[string][]byte, error) {
	issuer := c.rotator()
	issuer.ExtKeyUsages = &[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	begin := time.Now().Add(-time.Hour) // tolerates clocks that differ
	ca, err := issuer.CreateCACert(begin, begin.Add(caValidity))
	if err != nil {
		return nil, err
	}
	cert, key, err := issuer.CreateCertPEM(ca, begin, begin.Add(serverValidity))
	if err != nil {
		return nil, err
	}
	return map[string][]byte{caCertKey: ca.CertPEM, caKeyKey: ca.KeyPEM, certKey: cert, keyKey: key}, nil
}

// write mirrors the Secret into the folder. The server watches the files and needs no restart.
func (c *certificates) write(secret *corev1.Secret) error {
	if len(secret.Data[certKey]) == 0 || len(secret.Data[keyKey]) == 0 {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("writing the webhook certificate: %w", err)
	}
	// The key goes first: the server reloads when the certificate changes.
	for _, name := range []string{keyKey, certKey} {
		if err := os.WriteFile(filepath.Join(c.dir, name), secret.Data[name], 0o600); err != nil {
			return fmt.Errorf("writing the webhook certificate: %w", err)
		}
	}
	return nil
}

// addToManager adds rotation, injection and the mirror.
func (c *certificates) addToManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := rotator.AddRotator(mgr, c.rotator()); err != nil {
		return fmt.Errorf("adding certificate rotation: %w", err)
	}
	// The manager's own cache holds only Secrets of clusters.
	secrets, err := cache.New(mgr.GetConfig(), cache.Options{
		Scheme:     mgr.GetScheme(),
		Mapper:     mgr.GetRESTMapper(),
		HTTPClient: mgr.GetHTTPClient(),
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {
			Namespaces: map[string]cache.Config{c.secret.Namespace: {
				FieldSelector: fields.OneTermEqualSelector("metadata.name", c.secret.Name),
			}},
		}},
	})
	if err != nil {
		return fmt.Errorf("watching the webhook certificate: %w", err)
	}
	informer, err := secrets.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching the webhook certificate: %w", err)
	}
	mirror := func(obj any) {
		if secret, ok := obj.(*corev1.Secret); ok {
			if err := c.write(secret); err != nil {
				ctrl.Log.WithName("certificates").Error(err, "Keeping the previous webhook certificate")
			}
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    mirror,
		UpdateFunc: func(_, obj any) { mirror(obj) },
	}); err != nil {
		return fmt.Errorf("watching the webhook certificate: %w", err)
	}
	return mgr.Add(everyReplica{secrets})
}

// everyReplica runs a cache in all replicas: those that are not the leader serve webhooks too.
type everyReplica struct{ cache.Cache }

func (everyReplica) NeedLeaderElection() bool { return false }
