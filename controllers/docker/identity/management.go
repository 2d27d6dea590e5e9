// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// managementFile in a container has the UID and the node of the management cluster that it was moved to. Labels cannot
// be changed.
const managementFile = "usr/local/lib/terraform-capi/management-cluster-uid"

// Inspector tells which containers an engine has.
type Inspector interface {
	Inspect(ctx context.Context, name string) (container.Container, error)
}

// FileReader reads files of containers. A move is written down in one.
type FileReader interface {
	ReadFile(ctx context.Context, name, path string) ([]byte, error)
}

// Files reads and writes files of containers.
type Files interface {
	FileReader
	CopyTo(ctx context.Context, name, directory string, archive io.Reader) error
}

// Management is a management cluster.
type Management struct {
	// UID is the one of its namespace kube-system, which lives as long as the cluster.
	UID types.UID
	// Node is the node that the controllers run on. It is empty unless that is a container, as KinD makes them, of the
	// engine that has the clusters' containers, so that it can be found out there whether the management cluster exists.
	Node string
}

// ReadManagement returns the management cluster that the reader reads. Node is the name of the node that the controllers
// run on, if it is known. It fails if the engine does not say whether that is one of its containers: containers of clusters
// that did not name it could never be told from those whose management cluster is elsewhere.
func ReadManagement(ctx context.Context, reader client.Reader, engine Inspector, node string) (Management, error) {
	namespace := &corev1.Namespace{}
	if err := reader.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		return Management{}, fmt.Errorf("finding out the UID of the management cluster: %w", err)
	}
	management := Management{UID: namespace.UID}
	if node == "" {
		return management, nil
	}
	found, err := engine.Inspect(ctx, node)
	switch {
	case errors.Is(err, container.ErrNotFound):
	case err != nil:
		return Management{}, fmt.Errorf("finding out whether node %s of the management cluster is a container of this engine: %w", node, err)
	case SiblingSelector(found) != nil:
		management.Node = node
	}
	return management, nil
}

// ManagementFinder returns a function that returns what ReadManagement does, which it calls until that succeeds. A manager so
// starts although the engine does not answer, and its objects say why they wait.
func ManagementFinder(reader client.Reader, engine Inspector, node string) func(context.Context) (Management, error) {
	var known atomic.Pointer[Management]
	return func(ctx context.Context) (Management, error) {
		if management := known.Load(); management != nil {
			return *management, nil
		}
		management, err := ReadManagement(ctx, reader, engine, node)
		if err == nil {
			known.Store(&management)
		}
		return management, err
	}
}

// Adopt records that a container belongs to the owner's management cluster, if the owner was moved there: a moved object
// has a new UID.
func (o Owner) Adopt(ctx context.Context, engine Files, c container.Container) error {
	if c.Labels[ObjectUIDLabel] == string(o.ObjectUID) {
		return nil
	}
	if management, err := ManagementOf(ctx, engine, c); err != nil || management.UID == o.Management.UID {
		return err
	}
	content := []byte(string(o.Management.UID) + " " + o.Management.Node)
	archive, err := container.Archive([]container.File{{Path: managementFile, Mode: 0o600, Content: content}})
	if err != nil {
		return err
	}
	return engine.CopyTo(ctx, c.Name, "/", bytes.NewReader(archive))
}

// ManagementOf is the management cluster that a container belongs to: the one that it was moved to last, or else the one
// that made it. It is zero if the container is not a cluster's.
func ManagementOf(ctx context.Context, engine FileReader, c container.Container) (Management, error) {
	moved, err := engine.ReadFile(ctx, c.Name, "/"+managementFile)
	switch {
	case errors.Is(err, container.ErrNotFound):
		return Management{UID: types.UID(c.Labels[ManagementUIDLabel]), Node: c.Labels[ManagementNodeLabel]}, nil
	case err != nil:
		return Management{}, err
	}
	uid, node, _ := strings.Cut(string(moved), " ")
	return Management{UID: types.UID(uid), Node: node}, nil
}
