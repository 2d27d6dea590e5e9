// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Command sweep runs a command that runs tests, and fails if they leave anything on the Docker engine: containers, volumes,
// networks, and images. It also lists processes and temporary files that they leave.
//
//	sweep go test ./...
//
// Others may use the engine meanwhile. What tests make is known by its name, which has the part "acc", or by the container
// that it belongs to.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	// Interrupts are for the command; what it leaves then is of interest as well.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	left, err := sweep(ctx, os.Args[1:])
	stop()
	for _, one := range left {
		fmt.Fprintln(os.Stderr, "Left behind:", one)
	}
	fmt.Fprintf(os.Stderr, "sweep: the tests left %d things on the engine\n", len(left))
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	case len(left) > 0:
		os.Exit(1)
	}
}

// sweep runs the command, and returns what it left behind. The error is the command's, or says what could not be watched.
func sweep(ctx context.Context, command []string) ([]string, error) {
	if len(command) == 0 {
		return nil, errors.New("a command to run is missing: sweep COMMAND [ARGUMENT]")
	}
	temporary, err := os.MkdirTemp("", "sweep")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // it is in the folder for temporary files
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	engine, err := watchEngine(ctx)
	if err != nil {
		return nil, err
	}

	//nolint:gosec // It is what the caller asks for. It gets interrupts itself.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	failed := cmd.Run()

	for _, one := range append(leftProcesses(ctx), leftFiles(temporary)...) {
		fmt.Fprintln(os.Stderr, "Left on this machine:", one)
	}
	left, err := engine.left(context.WithoutCancel(ctx))
	return left, errors.Join(failed, err)
}

func leftFiles(folder string) (left []string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return []string{err.Error()}
	}
	for _, entry := range entries {
		left = append(left, "file "+filepath.Join(folder, entry.Name()))
	}
	return left
}
