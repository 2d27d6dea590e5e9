// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"context"
	"errors"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Remove removes the containers of the clusters with their volumes, whatever state they are in. Then go the volumes of
// images that no container has, and the network of all clusters unless a container is on it. Remove returns what it
// removed, such as "container a" and "network b". It does not stop at an error; the one that it returns joins all.
func Remove(ctx context.Context, runtime container.Runtime, clusters []Cluster) (removed []string, _ error) {
	var errs []error
	for _, cluster := range clusters {
		for _, c := range cluster.Containers {
			// Meanwhile the name may have gone to another container.
			if err := runtime.Remove(ctx, c.ID); err != nil {
				errs = append(errs, err)
				continue
			}
			removed = append(removed, "container "+c.Name)
		}
	}
	errs = append(errs, images.RemoveVolumes(ctx, runtime))
	unused, err := runtime.RemoveUnusedNetwork(ctx, network.DefaultName)
	if unused {
		removed = append(removed, "network "+network.DefaultName)
	}
	return removed, errors.Join(append(errs, err)...)
}
