// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/singleflight"
)

// Nodes are the nodes of a management cluster on this machine, which an image can be loaded into.
type Nodes interface {
	// NodeHasImage tells whether the nodes of the cluster called name have the image.
	NodeHasImage(ctx context.Context, name, reference string) (bool, error)
	// LoadImage loads the images of a docker-archive into the nodes of the cluster called name.
	LoadImage(ctx context.Context, name string, archive io.Reader) error
}

// Loader loads images into nodes. Providers that are installed at the same time, as Terraform does, share one load of their
// image.
type Loader struct {
	nodes Nodes
	loads singleflight.Group
}

// NewLoader returns a loader into the nodes of KinD clusters.
func NewLoader(nodes Nodes) *Loader { return &Loader{nodes: nodes} }

// Load makes sure that the nodes of the KinD cluster called name have a local image.
func (l *Loader) Load(ctx context.Context, name string, image Image) error {
	_, err, _ := l.loads.Do(name+"/"+image.Reference, func() (any, error) { return nil, l.load(ctx, name, image) })
	return err
}

func (l *Loader) load(ctx context.Context, name string, image Image) error {
	found, err := l.nodes.NodeHasImage(ctx, name, image.Reference)
	if err != nil || found {
		return err
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(image.Write(writer)) }()
	if err := l.nodes.LoadImage(ctx, name, reader); err != nil {
		reader.CloseWithError(err)
		return fmt.Errorf("loading the controllers image into KinD cluster %s: %w", name, err)
	}
	return nil
}
