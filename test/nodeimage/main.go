// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Nodeimage builds the container images that clusters of this project run on, for machines that cannot pull them:
//
//	go run . kindest/node:v1.35.0 kindest/haproxy:v20230606-42a2262b
//	go run . envtest v1.35.0    # prints a folder for KUBEBUILDER_ASSETS
//
// Everything comes from Go modules and Debian packages. What takes long is kept in a cache and reused.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
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
		dir, err := b.envtestAssets(ctx, args[1])
		if err != nil {
			return err
		}
		fmt.Println(dir)
		return nil
	}
	for _, image := range args {
		if err := b.image(ctx, image); err != nil {
			return fmt.Errorf("build %s: %w", image, err)
		}
	}
	return nil
}

// scratchPrefix begins the names of folders in the cache that are removed after use.
const scratchPrefix = "scratch-"

// builder knows where results are kept and tells what goes on.
type builder struct {
	cache string
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
	if err := lock(cache); err != nil {
		return nil, fmt.Errorf("lock the cache %s: %w", cache, err)
	}
	p, err := newProgress(filepath.Join(cache, "nodeimage.log"))
	if err != nil {
		return nil, err
	}
	return &builder{cache: cache, progress: p}, nil
}

// lock waits until no other builder works in the cache, and removes what one that was killed left unfinished.
// The lock goes when the process ends.
func lock(cache string) error {
	// Not an os.File, which the garbage collector would close, and unlock, at some time.
	fd, err := syscall.Open(filepath.Join(cache, "lock"), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	if syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		fmt.Fprintln(os.Stderr, "Waiting for another build that uses", cache)
		if err := syscall.Flock(fd, syscall.LOCK_EX); err != nil {
			return err
		}
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

// envtestAssets returns a folder with the binaries that controller-runtime's envtest starts.
func (b *builder) envtestAssets(ctx context.Context, version string) (string, error) {
	kubernetes, err := b.kubernetes(ctx, version, "kube-apiserver", "kubectl", "kubeadm")
	if err != nil {
		return "", err
	}
	images, err := b.kubeadmImages(ctx, kubernetes, version)
	if err != nil {
		return "", err
	}
	etcd, err := b.etcd(ctx, images["etcd"])
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.cache, "envtest", version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, binary := range []string{kubernetes["kube-apiserver"], kubernetes["kubectl"], etcd} {
		link := filepath.Join(dir, filepath.Base(binary))
		if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
			return "", err
		}
		if err := os.Symlink(binary, link); err != nil {
			return "", err
		}
	}
	return dir, nil
}
