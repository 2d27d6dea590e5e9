// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Bundle is what the resource needs of package bundle, so that its behaviour can
// be tested where no controllers can run.
type Bundle interface {
	// Release is what this binary installs.
	Release() bundle.Release
	// Image is the image of the controllers. An empty reference is the default for
	// the management cluster.
	Image(managementCluster, reference string) (bundle.Image, error)
	// Load makes sure that the management cluster's nodes have a local image.
	Load(ctx context.Context, cluster *management.Cluster, image bundle.Image) error
	// Begin is the beginning of an installation where the provider is not installed.
	Begin(ctx context.Context, cluster *management.Cluster, name string) (*management.Creation, error)
	Install(ctx context.Context, cluster *management.Cluster, name string, image bundle.Image, settings bundle.Settings) error
	Installed(ctx context.Context, cluster *management.Cluster, name string) (*bundle.Status, error)
	// AsDeclared says whether the controllers run as the settings have it.
	AsDeclared(ctx context.Context, cluster *management.Cluster, name string, image bundle.Image, settings bundle.Settings) (bool, error)
	// Others are installations of the provider that are not this one's.
	Others(ctx context.Context, cluster *management.Cluster, name string) ([]bundle.Other, error)
	// CoreContracts are the versions of the contract that the installed core provider speaks.
	CoreContracts(ctx context.Context, cluster *management.Cluster) ([]string, error)
	// CheckFlags says why the controllers would not start with flags.
	CheckFlags(name string, flags []string) error
	// Unstorable are the kinds whose objects may be stored in versions that this
	// binary does not know.
	Unstorable(ctx context.Context, cluster *management.Cluster, name string) ([]bundle.StoredKind, error)
	Pending(ctx context.Context, cluster *management.Cluster, name string) (string, error)
	Serves(ctx context.Context, cluster *management.Cluster, name string) ([]string, error)
	Uninstall(ctx context.Context, cluster *management.Cluster, name string) error
	Gone(ctx context.Context, cluster *management.Cluster, name string) (string, error)
	Unregister(ctx context.Context, cluster *management.Cluster, name string, uid types.UID) error
	Unregistered(ctx context.Context, cluster *management.Cluster, name string) (string, error)
	// LacksDocker says whether the provider needs the Docker engine's socket, and
	// the nodes of the management cluster do not have it.
	LacksDocker(ctx context.Context, managementCluster, name string) bool
}

// Nodes are those of the KinD clusters on this machine.
type Nodes interface {
	bundle.Nodes
	// HasDockerSocket tells whether a node of the cluster called name has the
	// socket of the Docker engine.
	HasDockerSocket(ctx context.Context, name string) (bool, error)
}

// Bundled is the bundle in this binary, whose version is given, for KinD clusters
// whose nodes are nodes.
func Bundled(version string, nodes Nodes, checkFlags CheckFlags) Bundle {
	return bundled{version: version, nodes: nodes, loader: bundle.NewLoader(nodes), checkFlags: checkFlags}
}

// CheckFlags says why the controllers of the provider called name would not start with flags.
type CheckFlags func(name string, flags []string) error

type bundled struct {
	version string
	nodes   Nodes
	loader  *bundle.Loader

	checkFlags CheckFlags
}

func (b bundled) Release() bundle.Release { return bundle.Own(b.version) }

// Image takes the executable for KinD clusters, whose nodes it can be loaded into, and what was released elsewhere. A
// reference to the executable, which is what the state holds, is not one into a registry.
func (b bundled) Image(managementCluster, reference string) (bundle.Image, error) {
	if _, isKind := management.ParseKindID(managementCluster); isKind {
		image, err := bundle.FromExecutable()
		if err == nil && (reference == "" || image.Reference == reference) {
			return image, nil
		}
	}
	if reference == "" {
		return bundle.FromRelease(b.version)
	}
	return bundle.FromRegistry(reference)
}

func (b bundled) CheckFlags(name string, flags []string) error {
	if b.checkFlags == nil {
		return nil
	}
	return b.checkFlags(name, flags)
}

func (b bundled) Load(ctx context.Context, cluster *management.Cluster, image bundle.Image) error {
	name, isKind := management.ParseKindID(cluster.ID)
	if !isKind || !image.Local() {
		return nil
	}
	return b.loader.Load(ctx, name, image)
}

// LacksDocker knows of KinD clusters only. Where the question cannot be
// answered, the pod will say what is missing.
func (b bundled) LacksDocker(ctx context.Context, managementCluster, name string) bool {
	cluster, isKind := management.ParseKindID(managementCluster)
	if !isKind || !bundle.NeedsDocker(name) {
		return false
	}
	has, err := b.nodes.HasDockerSocket(ctx, cluster)
	return err == nil && !has
}

func (b bundled) Begin(ctx context.Context, cluster *management.Cluster, name string) (*management.Creation, error) {
	return bundle.Begin(ctx, cluster, name, b.version)
}

func (b bundled) Install(ctx context.Context, cluster *management.Cluster, name string, image bundle.Image, settings bundle.Settings) error {
	return bundle.Install(ctx, cluster, name, b.version, image, settings)
}

func (bundled) Installed(ctx context.Context, cluster *management.Cluster, name string) (*bundle.Status, error) {
	return bundle.Installed(ctx, cluster, name)
}

func (bundled) AsDeclared(ctx context.Context, cluster *management.Cluster, name string, image bundle.Image, settings bundle.Settings) (bool, error) {
	return bundle.AsDeclared(ctx, cluster, name, image, settings)
}

func (bundled) Others(ctx context.Context, cluster *management.Cluster, name string) ([]bundle.Other, error) {
	return bundle.Others(ctx, cluster, name)
}

func (bundled) CoreContracts(ctx context.Context, cluster *management.Cluster) ([]string, error) {
	return bundle.CoreContracts(ctx, cluster)
}

func (bundled) Unstorable(ctx context.Context, cluster *management.Cluster, name string) ([]bundle.StoredKind, error) {
	return bundle.Unstorable(ctx, cluster, name)
}

func (bundled) Pending(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	return bundle.Pending(ctx, cluster, name)
}

func (bundled) Serves(ctx context.Context, cluster *management.Cluster, name string) ([]string, error) {
	return bundle.Serves(ctx, cluster, name)
}

func (bundled) Uninstall(ctx context.Context, cluster *management.Cluster, name string) error {
	return bundle.Uninstall(ctx, cluster, name)
}

func (bundled) Gone(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	return bundle.Gone(ctx, cluster, name)
}

func (bundled) Unregister(ctx context.Context, cluster *management.Cluster, name string, uid types.UID) error {
	return bundle.Unregister(ctx, cluster, name, uid)
}

func (bundled) Unregistered(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	return bundle.Unregistered(ctx, cluster, name)
}
