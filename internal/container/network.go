// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"

	"github.com/docker/docker/api/types/network"
)

// EnsureNetwork implements Runtime.
func (d *Docker) EnsureNetwork(ctx context.Context, name string) (Network, error) {
	found, err := d.inspectNetwork(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return found, err
	}
	_, err = d.client.NetworkCreate(ctx, name, network.CreateOptions{
		Driver:  "bridge",
		Options: map[string]string{"com.docker.network.bridge.enable_ip_masquerade": "true"},
	})
	// Somebody else may have made it in between.
	if err := d.wrap(err, "creating network %s", name); err != nil && !errors.Is(err, ErrConflict) {
		return Network{}, err
	}
	return d.inspectNetwork(ctx, name)
}

func (d *Docker) inspectNetwork(ctx context.Context, name string) (Network, error) {
	response, err := d.client.NetworkInspect(ctx, name, network.InspectOptions{})
	if err != nil {
		return Network{}, d.wrap(err, "inspecting network %s", name)
	}
	found := Network{ID: response.ID, Name: response.Name}
	for _, config := range response.IPAM.Config {
		found.Subnets = append(found.Subnets, config.Subnet)
	}
	return found, nil
}
