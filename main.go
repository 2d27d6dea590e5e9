// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Command terraform-provider-capi is both halves of the product: the Terraform provider when Terraform or OpenTofu
// starts it, and, started with the argument `controllers`, the Cluster API controllers in a management cluster's pods.
// For people there are `orphans`, which lists and removes what management clusters left behind, and `version`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/terraform-capi/terraform-provider-capi/controllers"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/orphans"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
)

// version is set by the release build.
var version = "dev"

func main() {
	run := servePlugin
	if len(os.Args) > 1 {
		switch args := os.Args[2:]; os.Args[1] {
		case "controllers":
			run = func() error { return controllers.Run(ctrl.SetupSignalHandler(), args) }
		case "orphans":
			run = func() error { return orphans.Command(ctrl.SetupSignalHandler(), connect, args, os.Stdout) }
		case "version":
			run = printVersion
		}
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// connect returns the engine that the docker command talks to.
func connect(ctx context.Context) (orphans.Engine, error) { return kind.New().Runtime(ctx) }

// printVersion says what a diagnostic about versions compares.
func printVersion() error {
	_, err := fmt.Fprintf(os.Stdout, "terraform-provider-capi %s\nCluster API %s\n", version, bundle.Version())
	return err
}

func servePlugin() error {
	debug := flag.Bool("debug", false, "wait for a debugger instead of being started by Terraform")
	flag.Parse()

	// Standard output is the handshake with Terraform. What the Kubernetes libraries log goes to standard error, which
	// Terraform shows at TF_LOG=DEBUG.
	klog.LogToStderr(true)
	ctrl.SetLogger(klog.Background())

	provider.CollectLess()
	return providerserver.Serve(context.Background(), provider.New(version, controllers.Check), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
}
