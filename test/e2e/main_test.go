// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the main job for real: Terraform, Docker, KinD, nodes.
package e2e

import (
	"fmt"
	"os"
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/terraform-capi/terraform-provider-capi/controllers"
)

// TestMain makes the test binary what the provider's binary is: the provider runs inside the test, so the controllers
// image is made of the test binary, which then has to run controllers in pods. It is also what the pods of the network
// test run.
func TestMain(m *testing.M) {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	switch command {
	case "controllers":
		exitWith(controllers.Run(ctrl.SetupSignalHandler(), os.Args[2:]))
	case "serve":
		exitWith(serve())
	case "get":
		exitWith(get(os.Args[2]))
	default:
		os.Exit(m.Run())
	}
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
