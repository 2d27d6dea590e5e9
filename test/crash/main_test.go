// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash_test kills and interrupts the provider wherever it calls the
// outside: the plugin is a child process, driven over its protocol, its engine and
// KinD are in the test's own process, which survives it, and its management
// clusters are a real API server, reached through a proxy of the test's.
package crash_test

import (
	"context"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"testing"
	"time"

	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/kubeconfig"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

// engineVariable is the socket of the engine. Where it is set, this executable is
// the plugin.
const engineVariable = "CRASH_ENGINE"

const providerAddress = "registry.terraform.io/terraform-capi/capi"

func TestMain(m *testing.M) {
	if socket := os.Getenv(engineVariable); socket != "" {
		if err := serve(socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(acctest.Run(m))
}

// Creations show signs of life in tenths of seconds here, so that tests need not
// wait long for those that were cut off.
const lapse = time.Second

var timing = management.CreationTiming{Heartbeat: 100 * time.Millisecond, Lapse: lapse}

// serve is the plugin, with the engine of the test.
func serve(socket string) error {
	engine, err := rpc.Dial("unix", socket)
	if err != nil {
		return err
	}
	if err := engine.Call("Engine.Hello", os.Getpid(), &struct{}{}); err != nil {
		return err
	}
	return tf6server.Serve(providerAddress, newProvider(clusters{kind.NewFor(tools{engine}, lapse)}).Server)
}

// newProvider has the resources as they are released, but for what takes nodes.
func newProvider(clusters clusters) acctest.Provider {
	resolver := management.NewResolver(nil, clusters)
	resolver.Timing = timing
	bundle := startedBundle{capiprovider.Bundled("0.1.0", clusters, nil)}
	return acctest.Provider{Resolver: resolver, ResourceList: []func() tfresource.Resource{
		func() tfresource.Resource { return managementcluster.NewResourceFor(clusters) },
		func() tfresource.Resource { return capiprovider.NewResource(bundle) },
		clusterclass.NewResource, cluster.NewResource, kubeconfig.NewResource,
	}}
}

// clusters have no containers of workload clusters.
type clusters struct{ *kind.Clusters }

func (clusters) Runtime(context.Context) (*container.Bounded, error) {
	return container.Bound(container.NewFake(), container.DefaultLimits), nil
}

// startedBundle has controllers that work as soon as they are installed, because an
// API server alone runs none.
type startedBundle struct{ capiprovider.Bundle }

func (startedBundle) Pending(context.Context, *management.Cluster, string) (string, error) {
	return "", nil
}

// tools are those of the test's engine.
type tools struct{ engine *rpc.Client }

var _ kind.Tools = tools{}

func (t tools) Docker(_ context.Context, stdin []byte, args ...string) (stdout, stderr []byte, err error) {
	var answer DockerAnswer
	if err := t.engine.Call("Engine.Docker", DockerCall{Stdin: stdin, Args: args}, &answer); err != nil {
		return nil, []byte(err.Error()), err
	}
	if answer.Failed {
		err = fmt.Errorf("exit status 1")
	}
	return answer.Stdout, answer.Stderr, err
}

func (t tools) Pull(_ context.Context, image string) error {
	return t.engine.Call("Engine.Pull", image, &struct{}{})
}

func (t tools) CreateCluster(_ context.Context, config *v1alpha4.Cluster) error {
	return t.engine.Call("Engine.CreateCluster", config, &struct{}{})
}

func (t tools) LoadImageArchive(context.Context, string, string, io.Reader) error {
	return fmt.Errorf("the tests' providers come from a registry")
}
