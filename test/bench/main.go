// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench runs the main job for clusters of several sizes and prints a timeline of each: apply from nothing,
// upgrade, destroy, with the load of the machine at each point; and, for comparison, how long KinD alone takes for a
// cluster of the same nodes. At the end it sets both side by side. It needs what `make bench` prepares: a Docker
// engine, images, the installed provider, terraform.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
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
	sizes := flag.String("sizes", "1+1,3+3", "control plane and worker nodes of the clusters")
	flag.StringVar(&o.from, "from", "v1.34.3", "Kubernetes version to create")
	flag.StringVar(&o.to, "to", "v1.35.0", "Kubernetes version to upgrade to")
	flag.StringVar(&o.json, "json", "", "file to write the timeline to as JSON")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := runAll(ctx, o, strings.Split(*sizes, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// runAll measures one size after the other. What was measured before something failed is reported, too.
func runAll(ctx context.Context, o options, sizes []string) error {
	var reports reports
	var failure error
	for _, size := range sizes {
		if _, err := fmt.Sscanf(size, "%d+%d", &o.controlPlanes, &o.workers); err != nil {
			return fmt.Errorf("size %q is not like 1+1: %w", size, err)
		}
		report := &report{Nodes: size}
		reports = append(reports, report)
		if failure = run(ctx, o, report); failure != nil {
			break
		}
	}
	return errors.Join(failure, reports.write(os.Stdout, o.json))
}

func run(ctx context.Context, o options, report *report) (err error) {
	workspace, err := newWorkspace(ctx, o)
	if err != nil {
		return err
	}
	defer workspace.remove()

	// KinD wants another load balancer image for several control plane nodes, which may be out of reach.
	if floor, err := timeKind(ctx, o); err == nil {
		report.add(phase{Name: phaseKind, Points: []point{floor}})
	} else {
		first, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintf(os.Stderr, "KinD alone is not measured for %s nodes: %.200s\n", report.Nodes, first)
	}

	// What was made is destroyed whatever happens, and the error of what failed first is the one to report.
	defer func() {
		destroy, destroyErr := workspace.phase(context.WithoutCancel(ctx), phaseDestroy, o.to, nil)
		report.add(destroy)
		if err == nil {
			err = destroyErr
		}
	}()
	create, err := workspace.phase(ctx, phaseApply, o.from, watchCreate(o))
	report.add(create)
	if err != nil {
		return err
	}
	upgrade, err := workspace.phase(ctx, phaseApply, o.to, watchUpgrade(o))
	upgrade.Name = phaseUpgrade
	report.add(upgrade)
	return err
}
