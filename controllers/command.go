// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/controllers/bootstrap"
	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/controllers/controlplane"
	"github.com/terraform-capi/terraform-provider-capi/controllers/core"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker"
	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

const providerFlag = "--provider="

// Run runs the controllers of one provider until ctx ends. The first argument says which: --provider=NAME, a name of
// config.Names. The others are that provider's flags.
func Run(ctx context.Context, args []string) error {
	usage := fmt.Errorf("usage: controllers %s%s [flags]", providerFlag, strings.Join(config.Names(), "|"))
	if len(args) == 0 {
		return usage
	}
	name, found := strings.CutPrefix(args[0], providerFlag)
	if !found {
		return usage
	}
	provider, err := find(name)
	if err != nil {
		return err
	}
	return manager.Run(ctx, name, provider, args[1:])
}

// Check says why the controllers of the provider called name would not start with these flags. It runs nothing, and takes no
// feature gates.
func Check(name string, flags []string) error {
	provider, err := find(name)
	if err != nil {
		return err
	}
	return manager.Check(name, provider, flags)
}

func find(name string) (manager.Provider, error) {
	switch name {
	case "cluster-api":
		return core.New(), nil
	case "bootstrap-kubeadm":
		return bootstrap.New(), nil
	case "control-plane-kubeadm":
		return controlplane.New(), nil
	case "infrastructure-docker":
		return docker.New(), nil
	default:
		_, err := config.Find(name)
		return nil, err
	}
}
