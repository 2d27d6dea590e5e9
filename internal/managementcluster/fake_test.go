// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster_test

import (
	"context"
	"testing"

	fwresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

// fakeClusters are the KinD clusters of an engine in memory. Every cluster has the
// API of the test's API server.
type fakeClusters struct {
	*kind.Clusters
	docker  *kindtest.Engine
	runtime *container.Fake
}

func newFakeClusters(environment *acctest.Environment) *fakeClusters {
	docker := kindtest.New(image, "kindest/node:v1.34.3")
	docker.AdminConf = func(string) string { return environment.Kubeconfig }
	return &fakeClusters{Clusters: kind.NewFor(docker, kind.DefaultLapse), docker: docker, runtime: container.NewFake(image)}
}

func (f *fakeClusters) factories() resource.TestCase {
	return resource.TestCase{ProtoV6ProviderFactories: acctest.Provider{
		Resolver:     management.NewResolver(nil, f),
		ResourceList: []func() fwresource.Resource{func() fwresource.Resource { return managementcluster.NewResourceFor(f) }},
	}.Factories()}
}

func (f *fakeClusters) Runtime(context.Context) (*container.Bounded, error) {
	return container.Bound(f.runtime, container.DefaultLimits), nil
}

// state makes the node of a cluster running, paused or exited.
func (f *fakeClusters) state(cluster, state string) func() {
	return func() { f.docker.SetState(kind.NodeName(cluster), state) }
}

func (f *fakeClusters) node(t *testing.T, cluster string) kindtest.Container {
	t.Helper()
	for _, c := range f.docker.Containers() {
		if c.Name == kind.NodeName(cluster) {
			return c
		}
	}
	t.Fatalf("there is no node of %s", cluster)
	return kindtest.Container{}
}

// expectNothing fails the test if there is any container.
func (f *fakeClusters) expectNothing(t *testing.T) {
	t.Helper()
	if names := f.docker.Names(); len(names) > 0 {
		t.Errorf("left are %q", names)
	}
}

// nodeOf is a node that KinD made for others.
func nodeOf(cluster string, files map[string]string) kindtest.Container {
	return kindtest.Container{
		ID: "0123456789abcdef", Name: kind.NodeName(cluster), Image: image, Files: files, APIServer: "127.0.0.1:1",
		Labels: map[string]string{kind.Label: cluster, "io.x-k8s.kind.role": "control-plane"},
	}
}
