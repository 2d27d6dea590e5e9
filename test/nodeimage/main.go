// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Nodeimage builds the container images that clusters of this project run on, for machines that cannot pull them:
//
//	go run . kindest/node:v1.35.0 kindest/haproxy:v20230606-42a2262b
//	go run . envtest v1.35.0     # prints a folder for KUBEBUILDER_ASSETS
//	go run . opentofu v1.12.6    # prints the path of tofu
//
// It also compiles, in the same way, what tests run elsewhere. Everything comes from Go modules and Debian packages. What takes long is kept in a cache and reused.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nodeimage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	b, err := newBuilder()
	if err != nil {
		return err
	}
	if len(args) == 2 && args[0] == "envtest" {
		return printPath(b.envtestAssets(ctx, args[1]))
	}
	if len(args) == 2 && args[0] == "opentofu" {
		return printPath(b.openTofu(ctx, args[1]))
	}
	for _, image := range args {
		if err := b.image(ctx, image); err != nil {
			return fmt.Errorf("build %s: %w", image, err)
		}
	}
	return nil
}

func printPath(path string, err error) error {
	if err == nil {
		fmt.Println(path)
	}
	return err
}

const (
	// scratchPrefix begins the names of folders in the cache that are removed after use.
	scratchPrefix = "scratch-"
	logName       = "nodeimage.log"
)

// builder knows where results are kept and tells what goes on.
type builder struct {
	cache string
	// exclusively waits until no other builder works in the cache. It is called when there is something to do:
	// whoever finds everything in place need not wait.
	exclusively func() error
	*progress
}

func newBuilder() (*builder, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find the cache folder: %w", err)
	}
	cache = filepath.Join(cache, "terraform-provider-capi")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	p, err := newProgress(filepath.Join(cache, logName))
	if err != nil {
		return nil, err
	}
	return &builder{cache: cache, exclusively: sync.OnceValue(func() error { return lock(cache) }), progress: p}, nil
}

// lock waits until no other builder has the cache, and removes the last one's log and what it left unfinished.
// The lock goes when the process ends.
func lock(cache string) error {
	// Not an os.File, which the garbage collector would close, and unlock, at some time.
	fd, err := syscall.Open(filepath.Join(cache, "lock"), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("open the lock in %s: %w", cache, err)
	}
	if syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		fmt.Fprintln(os.Stderr, "Waiting for another build that uses", cache)
		if err := syscall.Flock(fd, syscall.LOCK_EX); err != nil {
			return fmt.Errorf("lock %s: %w", cache, err)
		}
	}
	if err := os.Truncate(filepath.Join(cache, logName), 0); err != nil {
		return err
	}
	unfinished, err := filepath.Glob(filepath.Join(cache, scratchPrefix+"*"))
	for _, dir := range unfinished {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// image builds one image and loads it into Docker, unless an image of the same recipe is there.
func (b *builder) image(ctx context.Context, name string) error {
	repository, tag, _ := strings.Cut(name, ":")
	switch repository {
	case "kindest/node":
		return b.unlessLoaded(ctx, name, func(work string) (*image, error) { return b.nodeImage(ctx, work, tag) })
	case "kindest/haproxy":
		return b.unlessLoaded(ctx, name, func(work string) (*image, error) { return b.haproxyImage(ctx, work) })
	}
	return fmt.Errorf("there is no recipe for it, only for kindest/node and kindest/haproxy: pull it with a network that reaches its registry")
}
