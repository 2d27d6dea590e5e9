// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/secret"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// From where the kubeconfig is used.
const (
	endpointExternal = "external"
	endpointInternal = "internal"
)

// errGone means that there is no such cluster, or soon will not be.
var errGone = errors.New("the cluster does not exist")

// errNotYet means that Cluster API has not made the kubeconfig yet.
var errNotYet = errors.New("the kubeconfig has not been made by Cluster API yet")

// stored is the administrator's kubeconfig of a cluster, as Cluster API keeps it.
type stored struct {
	// cluster is the UID of the Cluster object.
	cluster types.UID
	raw     []byte
	// hostEndpoint is where the API server is reached from the machine that runs Terraform; empty if the kubeconfig says it.
	hostEndpoint string
}

// read returns the kubeconfig of a cluster. The error is errGone if the cluster
// does not exist or is being deleted, errNotYet if the kubeconfig does not exist
// yet. Where it is used from inside only, the infrastructure is not asked.
func read(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, insideOnly bool) (*stored, error) {
	cluster := &clusterv1.Cluster{}
	err := mgmt.Get(ctx, key, cluster)
	switch {
	case management.IsAbsent(err):
		return nil, fmt.Errorf("%w: %w", errGone, err)
	case err != nil:
		return nil, err
	}
	kept := &corev1.Secret{}
	name := secret.Name(key.Name, secret.Kubeconfig)
	err = mgmt.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: name}, kept)
	missing := apierrors.IsNotFound(err) || err == nil && len(kept.Data[secret.KubeconfigDataName]) == 0
	switch {
	case missing && !cluster.DeletionTimestamp.IsZero():
		return nil, fmt.Errorf("%w: Cluster %s is being deleted", errGone, key)
	case missing:
		return nil, fmt.Errorf("%w: there is no Secret %s/%s", errNotYet, key.Namespace, name)
	case err != nil:
		return nil, err
	}
	found := &stored{cluster: cluster.UID, raw: kept.Data[secret.KubeconfigDataName]}
	if !insideOnly {
		found.hostEndpoint, err = hostEndpoint(ctx, mgmt, cluster)
	}
	return found, err
}

// hostEndpoint is the address at which the machine that runs Terraform reaches
// the API server, if the infrastructure provider says so. Names of containers
// mean nothing outside of Docker's networks.
func hostEndpoint(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) (string, error) {
	ref := cluster.Spec.InfrastructureRef
	if !ref.IsDefined() {
		return "", nil
	}
	gvk, err := mgmt.Served(ref.APIGroup, ref.Kind)
	if err != nil {
		return "", err
	}
	infrastructure := &metav1.PartialObjectMetadata{}
	infrastructure.SetGroupVersionKind(gvk)
	err = mgmt.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: ref.Name}, infrastructure)
	return infrastructure.Annotations[dockerv1.HostEndpointAnnotation], client.IgnoreNotFound(err)
}

// credentials are what a kubeconfig consists of.
type credentials struct {
	// cluster is the UID of the Cluster object that the kubeconfig is of.
	cluster                                                              types.UID
	kubeconfig, host, caCertificate, clientCertificate, clientKey, token string
	// expiresAt is when the certificate or token does; zero if that is not known.
	expiresAt time.Time
}

// credentials are the administrator's, for use from an endpoint. The same input
// always gives the same bytes.
func (s *stored) credentials(endpoint string) (*credentials, error) {
	config, err := clientcmd.Load(s.raw)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig in the management cluster cannot be read: %w", err)
	}
	cluster, user, err := current(config)
	if err != nil {
		return nil, err
	}
	raw := s.raw
	if s.hostEndpoint != "" && endpoint != endpointInternal {
		cluster.Server = "https://" + s.hostEndpoint
		if raw, err = clientcmd.Write(*config); err != nil {
			return nil, fmt.Errorf("the kubeconfig cannot be rewritten: %w", err)
		}
	}
	return s.withUser(raw, cluster, user, expiry(user.ClientCertificateData)), nil
}

// credentialsOf are those of a user other than the administrator, for use from an endpoint.
func (s *stored) credentialsOf(endpoint, name string, user *clientcmdapi.AuthInfo, expiresAt time.Time) (*credentials, error) {
	administrator, err := s.credentials(endpoint)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.Load([]byte(administrator.kubeconfig))
	if err != nil {
		return nil, err
	}
	cluster := config.Contexts[config.CurrentContext].Cluster
	own := clientcmdapi.NewConfig()
	own.CurrentContext = name + "@" + cluster
	own.Clusters[cluster] = config.Clusters[cluster]
	own.AuthInfos[name] = user
	own.Contexts[own.CurrentContext] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: name}
	raw, err := clientcmd.Write(*own)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig of %s cannot be written: %w", name, err)
	}
	return s.withUser(raw, own.Clusters[cluster], user, expiresAt), nil
}

func (s *stored) withUser(raw []byte, cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo, expiresAt time.Time) *credentials {
	return &credentials{
		cluster:           s.cluster,
		kubeconfig:        string(raw),
		host:              cluster.Server,
		caCertificate:     string(cluster.CertificateAuthorityData),
		clientCertificate: string(user.ClientCertificateData),
		clientKey:         string(user.ClientKeyData),
		token:             user.Token,
		expiresAt:         expiresAt,
	}
}

func current(config *clientcmdapi.Config) (*clientcmdapi.Cluster, *clientcmdapi.AuthInfo, error) {
	selected := config.Contexts[config.CurrentContext]
	if selected == nil {
		return nil, nil, fmt.Errorf("the kubeconfig in the management cluster has no context %q", config.CurrentContext)
	}
	cluster, user := config.Clusters[selected.Cluster], config.AuthInfos[selected.AuthInfo]
	if cluster == nil || user == nil {
		return nil, nil, fmt.Errorf("the kubeconfig in the management cluster has no cluster %q or no user %q", selected.Cluster, selected.AuthInfo)
	}
	return cluster, user, nil
}

// expiry is when a certificate expires, the zero time if it is not one.
func expiry(certificate []byte) time.Time {
	block, _ := pem.Decode(certificate)
	if block == nil {
		return time.Time{}
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return parsed.NotAfter
}
