// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"slices"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
)

// UnusedVolumes returns the names of the volumes with the label, "KEY" or "KEY=VALUE", that no container has, running or
// not.
func (d *Docker) UnusedVolumes(ctx context.Context, label string) ([]string, error) {
	list, err := d.client.VolumeList(ctx, volume.ListOptions{Filters: filters.NewArgs(
		filters.Arg("label", label), filters.Arg("dangling", "true"))})
	if err != nil {
		return nil, d.wrap(err, "listing volumes")
	}
	var names []string
	for _, found := range list.Volumes {
		names = append(names, found.Name)
	}
	slices.Sort(names)
	return names, nil
}

// RemoveUnusedVolumes removes the volumes that UnusedVolumes returns. It does not stop at one that cannot be removed; its
// error joins all. It leaves it to the engine to refuse the removal of volumes that containers have: only it knows those
// that are just being made.
func (d *Docker) RemoveUnusedVolumes(ctx context.Context, label string) error {
	list, err := d.client.VolumeList(ctx, volume.ListOptions{Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil {
		return d.wrap(err, "listing volumes")
	}
	var errs []error
	for _, found := range list.Volumes {
		err := d.wrap(d.client.VolumeRemove(ctx, found.Name, false), "removing volume %s", found.Name)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
