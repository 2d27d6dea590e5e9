// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench runs the main job once and prints a timeline: apply from nothing, upgrade, destroy, with the load of
// the machine at each point; and, for comparison, how long KinD alone takes for a cluster of the same nodes. It needs
// what `make bench` prepares: a Docker engine, images, the installed provider, terraform.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// options of a run.
type options struct {
	terraform     string
	plugins       string
	example       string
	controlPlanes int
	workers       int
	from, to      string
	json          string
}

func main() {
	var o options
	flag.StringVar(&o.terraform, "terraform", "terraform", "terraform binary")
	flag.StringVar(&o.plugins, "plugins", "", "mirror that has the provider")
	flag.StringVar(&o.example, "example", "examples/quickstart", "configuration to apply")
	flag.IntVar(&o.controlPlanes, "control-planes", 1, "control plane nodes")
	flag.IntVar(&o.workers, "workers", 1, "worker nodes")
	flag.StringVar(&o.from, "from", "v1.34.3", "Kubernetes version to create")
	flag.StringVar(&o.to, "to", "v1.35.0", "Kubernetes version to upgrade to")
	flag.StringVar(&o.json, "json", "", "file to write the timeline to as JSON")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	workspace, err := newWorkspace(ctx, o)
	if err != nil {
		return err
	}
	defer workspace.remove()
	report := &report{Nodes: fmt.Sprintf("%d+%d", o.controlPlanes, o.workers)}

	floor, err := timeKind(ctx, o)
	if err != nil {
		return fmt.Errorf("measuring KinD alone: %w", err)
	}
	report.add(phase{Name: "kind alone: create, nodes Ready", Points: []point{floor}})

	// What was made is destroyed whatever happens, and the error of what failed first is the one to report.
	defer func() {
		destroy, destroyErr := workspace.phase(context.WithoutCancel(ctx), "destroy", o.to, nil)
		report.add(destroy)
		if err == nil {
			err = destroyErr
		}
		if writeErr := report.write(os.Stdout, o.json); err == nil {
			err = writeErr
		}
	}()
	create, err := workspace.phase(ctx, "apply", o.from, watchCreate(o))
	report.add(create)
	if err != nil {
		return err
	}
	upgrade, err := workspace.phase(ctx, "apply", o.to, watchUpgrade(o))
	upgrade.Name = "upgrade"
	report.add(upgrade)
	return err
}
