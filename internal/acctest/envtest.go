// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const assetsVariable = "KUBEBUILDER_ASSETS"

// KindName is the name of the KinD cluster that Environment pretends to be.
const KindName = "envtest"

// Environment is a Kubernetes API server without nodes or controllers. It knows
// the kinds of all bundled providers, whose webhooks are not there.
type Environment struct {
	// Kubeconfig of an administrator.
	Kubeconfig string
	// Cluster is a client for the server. Its id is that of KindName.
	Cluster *management.Cluster

	process *envtest.Environment
	// stop ends what stands in for controllers.
	stop context.CancelFunc
}

// shared are the servers for all tests of a package: each takes seconds to start.
var shared struct {
	sync.Mutex
	main, another *Environment
}

// Run runs a package's tests and stops the API servers that they shared. A package
// whose tests call NeedAPIServer needs
//
//	func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }
func Run(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	for _, environment := range []*Environment{shared.main, shared.another} {
		if environment == nil {
			continue
		}
		environment.stop()
		if err := environment.process.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "cannot stop the API server:", err)
			code = max(code, 1)
		}
	}
	return code
}

// NeedAPIServer returns an API server that all tests of the package share, so
// every test has to use names of its own. It skips the test if the machine has no
// kube-apiserver and etcd.
func NeedAPIServer(t *testing.T) *Environment {
	t.Helper()
	return need(t, &shared.main, bundledCRDs)
}

// NeedAnotherAPIServer returns a second API server, which knows none of the bundled
// providers' kinds.
func NeedAnotherAPIServer(t *testing.T) *Environment {
	t.Helper()
	return need(t, &shared.another, func() ([]*apiextensionsv1.CustomResourceDefinition, error) { return nil, nil })
}

func need(t *testing.T, environment **Environment, kinds func() ([]*apiextensionsv1.CustomResourceDefinition, error)) *Environment {
	t.Helper()
	if os.Getenv(assetsVariable) == "" {
		t.Skipf("%s does not name a folder with kube-apiserver and etcd", assetsVariable)
	}
	shared.Lock()
	defer shared.Unlock()
	if *environment == nil {
		crds, err := kinds()
		if err == nil {
			*environment, err = startAPIServer(t.Context(), crds)
		}
		if err != nil {
			t.Fatalf("cannot start an API server: %v", err)
		}
	}
	return *environment
}

func startAPIServer(ctx context.Context, crds []*apiextensionsv1.CustomResourceDefinition) (*Environment, error) {
	process := &envtest.Environment{
		Scheme:            management.Scheme,
		CRDInstallOptions: envtest.CRDInstallOptions{CRDs: crds, Scheme: management.Scheme},
	}
	restConfig, err := process.Start()
	if err != nil {
		return nil, err
	}
	cluster, err := management.NewCluster(ctx, management.KindID(KindName), restConfig)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	go finalizeNamespaces(ctx, cluster)
	return &Environment{Kubeconfig: string(process.KubeConfig), Cluster: cluster, process: process, stop: stop}, nil
}

// finalizeNamespaces lets namespaces that are being deleted go, as the controller
// does that an API server alone does not have, but leaves what is in them.
func finalizeNamespaces(ctx context.Context, cluster *management.Cluster) {
	for ctx.Err() == nil {
		namespaces := &corev1.NamespaceList{}
		_ = cluster.List(ctx, namespaces)
		for i := range namespaces.Items {
			if namespace := &namespaces.Items[i]; namespace.DeletionTimestamp != nil {
				namespace.Spec.Finalizers = nil
				_ = cluster.SubResource("finalize").Update(ctx, namespace)
			}
		}
		<-time.After(100 * time.Millisecond)
	}
}

func bundledCRDs() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	var all []*apiextensionsv1.CustomResourceDefinition
	for _, provider := range config.Providers {
		crds, err := provider.CRDs()
		if err != nil {
			return nil, err
		}
		all = append(all, crds...)
	}
	return all, nil
}

// Resolver knows one KinD cluster, KindName, which is the environment, and no
// provider block.
func (e *Environment) Resolver() *management.Resolver {
	return management.NewResolver(nil, e.Engine())
}
