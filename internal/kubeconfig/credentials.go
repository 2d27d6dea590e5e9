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
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
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

// credentials are what a kubeconfig consists of.
type credentials struct {
	// cluster is the UID of the Cluster object that the kubeconfig is of.
	cluster                                                       types.UID
	kubeconfig, host, caCertificate, clientCertificate, clientKey string
	// expiresAt is when the client certificate does; zero if there is none.
	expiresAt time.Time
}

// read returns the kubeconfig of a cluster. The error is errGone if the cluster
// does not exist or is being deleted, errNotYet if the kubeconfig does not exist
// yet.
func read(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, endpoint string) (*credentials, error) {
	cluster := &clusterv1.Cluster{}
	err := mgmt.Get(ctx, key, cluster)
	switch {
	case management.IsAbsent(err):
		return nil, fmt.Errorf("%w: %w", errGone, err)
	case err != nil:
		return nil, err
	}
	stored := &corev1.Secret{}
	name := secret.Name(key.Name, secret.Kubeconfig)
	err = mgmt.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: name}, stored)
	missing := apierrors.IsNotFound(err) || err == nil && len(stored.Data[secret.KubeconfigDataName]) == 0
	switch {
	case missing && !cluster.DeletionTimestamp.IsZero():
		return nil, fmt.Errorf("%w: Cluster %s is being deleted", errGone, key)
	case missing:
		return nil, fmt.Errorf("%w: there is no Secret %s/%s", errNotYet, key.Namespace, name)
	case err != nil:
		return nil, err
	}
	address := ""
	if endpoint != endpointInternal {
		if address, err = hostEndpoint(ctx, mgmt, cluster); err != nil {
			return nil, err
		}
	}
	found, err := parse(stored.Data[secret.KubeconfigDataName], address)
	if err != nil {
		return nil, err
	}
	found.cluster = cluster.UID
	return found, nil
}

// wait reads the kubeconfig as soon as it is there, or until the deadline of ctx.
func wait(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, endpoint string) (*credentials, error) {
	var found *credentials
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		var err error
		found, err = read(ctx, mgmt, key, endpoint)
		if errors.Is(err, errNotYet) {
			return false, err.Error(), nil
		}
		return err == nil, "", err
	})
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

// parse takes a kubeconfig apart. With an address it is rewritten to use that;
// the same input always gives the same bytes.
func parse(raw []byte, address string) (*credentials, error) {
	config, err := clientcmd.Load(raw)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig in the management cluster cannot be read: %w", err)
	}
	cluster, user, err := current(config)
	if err != nil {
		return nil, err
	}
	if address != "" {
		cluster.Server = "https://" + address
		if raw, err = clientcmd.Write(*config); err != nil {
			return nil, fmt.Errorf("the kubeconfig cannot be rewritten: %w", err)
		}
	}
	return &credentials{
		kubeconfig:        string(raw),
		host:              cluster.Server,
		caCertificate:     string(cluster.CertificateAuthorityData),
		clientCertificate: string(user.ClientCertificateData),
		clientKey:         string(user.ClientKeyData),
		expiresAt:         expiry(user.ClientCertificateData),
	}, nil
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
