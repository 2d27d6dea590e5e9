// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// nodeParts is everything that goes into a node image.
type nodeParts struct {
	rootfs     string
	containerd map[string]string
	images     map[string]string
	clusterBinaries
}

// nodeImage makes what kindest/node is: a Debian that boots, and in it containerd, Kubernetes and the images it runs.
func (b *builder) nodeImage(ctx context.Context, work, version string) (*image, error) {
	parts, err := b.nodeParts(ctx, work, version)
	if err != nil {
		return nil, err
	}
	debian, err := existingLayer(parts.rootfs)
	if err != nil {
		return nil, err
	}
	var top *layer
	err = b.step("assembling the node image", func() error {
		root, err := openRootfs(parts.rootfs)
		if err != nil {
			return err
		}
		defer root.close()
		store := filepath.Join(work, "containerd")
		if err := writeStore(ctx, work, store, parts, root); err != nil {
			return err
		}
		top, err = newLayer(filepath.Join(work, "node.tar"), func(w *layerWriter) error {
			return writeNode(ctx, w, parts, root, store, version)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &image{
		layers: []*layer{debian, top},
		config: ocispec.ImageConfig{
			// systemd looks at this variable to know that it runs in a container, and ends on this signal.
			Env:        []string{defaultPath, "container=docker"},
			StopSignal: "SIGRTMIN+3",
			Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
		},
	}, nil
}

// nodeParts compiles programs and installs packages side by side: one keeps the processors busy, the other waits.
func (b *builder) nodeParts(ctx context.Context, work, version string) (parts nodeParts, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		parts.rootfs, err = b.nodeRootfs(ctx)
		return err
	})
	group.Go(func() (err error) {
		if parts.kubernetes, err = b.kubernetes(ctx, version, kubernetesPrograms...); err != nil {
			return err
		}
		if parts.images, err = b.kubeadmImages(ctx, parts.kubernetes, version); err != nil {
			return err
		}
		if parts.etcd, err = b.etcd(ctx, parts.images["etcd"]); err != nil {
			return err
		}
		if parts.coredns, err = b.coredns(ctx, parts.images["coredns"]); err != nil {
			return err
		}
		if parts.containerd, err = b.containerd(ctx); err != nil {
			return err
		}
		if parts.kindnet, err = b.local(ctx, work, "kindnet"); err != nil {
			return err
		}
		parts.pause, err = b.local(ctx, work, "pause")
		return err
	})
	return parts, group.Wait()
}

// local compiles a program of this module.
func (b *builder) local(ctx context.Context, work, name string) (string, error) {
	binary := filepath.Join(work, name)
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binary, "./" + name}
	return binary, b.step("compiling "+name, func() error {
		return b.command(ctx, ".", []string{"CGO_ENABLED=0"}, "go", args...)
	})
}

// writeStore makes the folder that becomes the node's /var/lib/containerd.
func writeStore(ctx context.Context, work, dir string, parts nodeParts, root *rootfs) error {
	images, err := clusterImages(work, parts.images, parts.clusterBinaries, root, hostIptables(ctx))
	if err != nil {
		return err
	}
	store, err := newContainerdStore(ctx, dir)
	if err != nil {
		return err
	}
	for _, i := range images {
		if err := store.add(ctx, i); err != nil {
			return err
		}
	}
	return store.close()
}

// hostIptables tells which back end works on this machine's kernel, going by the one that Docker uses.
func hostIptables(ctx context.Context) string {
	out, err := output(ctx, ".", "iptables", "--version")
	if err == nil && strings.Contains(string(out), "legacy") {
		return "legacy"
	}
	return "nft"
}

//go:embed kindnet/kindnet.yaml
var kindnetManifest string

// writeNode writes what a node has on top of Debian.
func writeNode(ctx context.Context, w *layerWriter, parts nodeParts, root *rootfs, store, version string) error {
	for name, binary := range map[string]string{
		"/usr/bin/kubeadm":                       parts.kubernetes["kubeadm"],
		"/usr/bin/kubectl":                       parts.kubernetes["kubectl"],
		"/usr/bin/kubelet":                       parts.kubernetes["kubelet"],
		"/usr/local/bin/containerd":              parts.containerd["containerd"],
		"/usr/local/bin/containerd-shim-runc-v2": parts.containerd["containerd-shim-runc-v2"],
		"/usr/local/bin/ctr":                     parts.containerd["ctr"],
	} {
		if err := w.copyFile(name, 0o755, binary); err != nil {
			return err
		}
	}
	spec, err := output(ctx, ".", parts.containerd["ctr"], "oci", "spec")
	if err != nil {
		return err
	}
	if spec, err = podSpec(spec); err != nil {
		return err
	}
	config, err := containerdConfig(root, parts.images["pause"])
	if err != nil {
		return err
	}
	for name, content := range map[string]string{
		"/etc/containerd/config.toml":      config,
		"/etc/containerd/cri-base.json":    string(spec),
		"/kind/manifests/default-cni.yaml": strings.ReplaceAll(kindnetManifest, "KINDNET_IMAGE", kindnetImage),
		"/kind/version":                    version,
	} {
		if err := w.file(name, content); err != nil {
			return err
		}
	}
	return w.copyTree("/var/lib/containerd", store)
}

// podSpec changes containerd's default specification of a container as kind does: a hook hides the machine's product
// name and UUID, which all nodes share, and resource limits are inherited instead of set.
func podSpec(spec []byte) ([]byte, error) {
	fields := map[string]any{}
	if err := json.Unmarshal(spec, &fields); err != nil {
		return nil, fmt.Errorf("read what `ctr oci spec` prints: %w", err)
	}
	if process, ok := fields["process"].(map[string]any); ok {
		delete(process, "rlimits")
	}
	hook := map[string]any{"path": "/kind/bin/mount-product-files.sh"}
	fields["hooks"] = map[string]any{"createContainer": []any{hook}}
	return json.Marshal(fields)
}

var sandboxImage = regexp.MustCompile(`(?m)^(\s*sandbox_image\s*=).*$`)

// containerdConfig is kind's, with the pause image that this Kubernetes version and so this node image has.
func containerdConfig(root *rootfs, pause string) (string, error) {
	config, err := root.read("/etc/containerd/config.toml")
	if err != nil {
		return "", err
	}
	if !sandboxImage.MatchString(config) {
		return "", fmt.Errorf("kind's containerd configuration names no sandbox_image: the recipe must follow kind %s", kindVersion)
	}
	return sandboxImage.ReplaceAllString(config, `${1} "`+pause+`"`), nil
}
