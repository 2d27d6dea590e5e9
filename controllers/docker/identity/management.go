// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// managementFile in a container is the UID of the management cluster that it was moved to. Labels cannot be changed.
const managementFile = "usr/local/lib/terraform-capi/management-cluster-uid"

// Management is a management cluster.
type Management struct {
	// UID is the one of its namespace kube-system, which lives as long as the cluster.
	UID types.UID
	// Node is the node that the controllers run on; may be empty.
	Node string
}

// ReadManagement returns the management cluster that the reader reads.
func ReadManagement(ctx context.Context, reader client.Reader, node string) (Management, error) {
	namespace := &corev1.Namespace{}
	if err := reader.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		return Management{}, fmt.Errorf("finding out the UID of the management cluster: %w", err)
	}
	return Management{UID: namespace.UID, Node: node}, nil
}

// Adopt records that a container belongs to the owner's management cluster, if the owner was moved there: a moved object
// has a new UID.
func (o Owner) Adopt(ctx context.Context, runtime container.Runtime, c container.Container) error {
	if c.Labels[ObjectUIDLabel] == string(o.ObjectUID) {
		return nil
	}
	if uid, err := ManagementUID(ctx, runtime, c); err != nil || uid == o.Management.UID {
		return err
	}
	archive, err := container.Archive([]container.File{{Path: managementFile, Mode: 0o600, Content: []byte(o.Management.UID)}})
	if err != nil {
		return err
	}
	return runtime.CopyTo(ctx, c.Name, "/", bytes.NewReader(archive))
}

// ManagementUID is the management cluster that a container belongs to: the one that it was moved to last, or else the
// one that made it. Empty if the container is not a cluster's.
func ManagementUID(ctx context.Context, runtime container.Runtime, c container.Container) (types.UID, error) {
	moved, err := runtime.ReadFile(ctx, c.Name, "/"+managementFile)
	switch {
	case errors.Is(err, container.ErrNotFound):
		return types.UID(c.Labels[ManagementUIDLabel]), nil
	case err != nil:
		return "", err
	}
	return types.UID(moved), nil
}
