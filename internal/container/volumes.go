// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
)

// RemoveUnusedVolumes implements Runtime. It leaves it to the engine to refuse the removal of volumes that containers
// have: only it knows those that are just being made.
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
