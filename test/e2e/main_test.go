// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the main job for real: Terraform, Docker, KinD, nodes.
package e2e

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets the test binary also be what the pods of the network test run.
func TestMain(m *testing.M) {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	switch command {
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
