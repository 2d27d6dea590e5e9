// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
)

// VolumeLabel is the label of the volumes of machines that a management cluster made.
func VolumeLabel(managementUID types.UID) string {
	return identity.ManagementUIDLabel + "=" + string(managementUID)
}

// Remove removes the containers of the clusters with their volumes, whatever state they are in. Then go the volumes with the
// label, if it is not empty, and those of images, that no container has, and the network of all clusters unless a container is
// on it. Remove returns what it removed, such as "container a" and "network b". It does not stop at an error; the one that it
// returns joins all.
func Remove(ctx context.Context, engine Engine, clusters []Cluster, volumeLabel string) (removed []string, _ error) {
	var errs []error
	for _, cluster := range clusters {
		for _, c := range cluster.Containers {
			// Meanwhile the name may have gone to another container.
			if err := engine.Remove(ctx, c.ID); err != nil {
				errs = append(errs, err)
				continue
			}
			removed = append(removed, "container "+c.Name)
		}
	}
	errs = append(errs, images.RemoveUnusedVolumes(ctx, engine))
	if volumeLabel != "" {
		errs = append(errs, engine.RemoveUnusedVolumes(ctx, volumeLabel))
	}
	unused, err := engine.RemoveUnusedNetwork(ctx, network.DefaultName)
	if unused {
		removed = append(removed, "network "+network.DefaultName)
	}
	return removed, errors.Join(append(errs, err)...)
}
