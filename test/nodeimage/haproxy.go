// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

//go:embed haproxy.cfg
var haproxyConfig string

// haproxyImage makes a load balancer on an otherwise empty root. BusyBox has the cp, mkdir and kill with which
// kind and Cluster API replace its configuration.
func (b *builder) haproxyImage(ctx context.Context, work string) (*image, error) {
	debian, err := b.haproxyRootfs(ctx)
	if err != nil {
		return nil, err
	}
	root, err := openRootfs(debian)
	if err != nil {
		return nil, err
	}
	defer root.close()
	l, err := newLayer(filepath.Join(work, "haproxy.tar"), func(w *layerWriter) error { return writeHAProxy(w, root) })
	if err != nil {
		return nil, err
	}
	return &image{
		layers: []*layer{l},
		config: ocispec.ImageConfig{
			Env:        []string{defaultPath},
			StopSignal: "SIGUSR1",
			Entrypoint: []string{"haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"},
		},
	}, nil
}

func writeHAProxy(w *layerWriter, root *rootfs) error {
	if err := w.binaries(root, "/usr/sbin/haproxy", "/bin/busybox"); err != nil {
		return err
	}
	for _, tool := range []string{"cat", "cp", "kill", "ls", "mkdir", "nc", "sh", "wget"} {
		if err := w.symlink("/usr/local/bin/"+tool, root.resolve("/bin/busybox")); err != nil {
			return err
		}
	}
	// Shells are looked for there.
	if err := w.symlink("/bin/sh", root.resolve("/bin/busybox")); err != nil {
		return err
	}
	if err := w.file("/usr/local/etc/haproxy/haproxy.cfg", haproxyConfig); err != nil {
		return err
	}
	if err := w.file("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nhaproxy:x:99:99:haproxy:/:/bin/false\n"); err != nil {
		return err
	}
	if err := w.file("/etc/group", "root:x:0:\nhaproxy:x:99:\n"); err != nil {
		return err
	}
	return w.directory("/tmp", 0o1777)
}
