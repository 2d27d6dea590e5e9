// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed rootfs.sh
var rootfsScript []byte

// nodePackages is what kind's own node image installs and its entrypoint, kubelet, kubeadm and containerd call,
// together with the programs that this recipe does not compile: runc and the CNI plugins.
var nodePackages = []string{
	"bash", "ca-certificates", "conntrack", "containernetworking-plugins", "curl", "e2fsprogs", "ethtool", "hostname",
	"iproute2", "iptables", "jq", "kmod", "libseccomp2", "mount", "nftables", "procps", "runc", "systemd", "util-linux",
}

var haproxyPackages = []string{"busybox", "haproxy"}

// nodeRootfs returns the tar of a Debian that boots as a kind node, without Kubernetes.
func (b *builder) nodeRootfs(ctx context.Context) (string, error) {
	kind, err := download(ctx, "sigs.k8s.io/kind", kindVersion)
	if err != nil {
		return "", err
	}
	script := filepath.Join(b.cache, "rootfs.sh")
	if err := os.WriteFile(script, rootfsScript, 0o755); err != nil {
		return "", err
	}
	hook := fmt.Sprintf(`bash %s "$1" %s`, script, filepath.Join(kind.Dir, "images/base/files"))
	return b.debian(ctx, "node", "minbase", nodePackages, hook)
}

// haproxyRootfs returns a tar with HAProxy's files and those of its libraries; nothing in it was ever run.
func (b *builder) haproxyRootfs(ctx context.Context) (string, error) {
	return b.debian(ctx, "haproxy", "extract", haproxyPackages, "true")
}

// debian makes a tar of Debian packages, of the release that this machine runs. hook gets the root folder as $1.
func (b *builder) debian(ctx context.Context, name, variant string, packages []string, hook string) (string, error) {
	suite, err := debianSuite("/etc/os-release")
	if err != nil {
		return "", err
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return "", errors.New("mmdebstrap is not installed: apt-get install mmdebstrap")
	}
	list := strings.Join(packages, ",")
	file := filepath.Join(b.cache, fmt.Sprintf("rootfs-%s-%s.tar", name, shortHash(suite, variant, list, hook, string(rootfsScript))))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	args := []string{
		"--variant=" + variant, "--include=" + list, "--customize-hook=" + hook,
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
		suite, file + ".part.tar",
	}
	// A fixed time makes the tar, and so Docker's layer, the same each time.
	env := []string{"SOURCE_DATE_EPOCH=1700000000"}
	title := fmt.Sprintf("installing Debian packages for the %s image", name)
	if err := b.step(title, func() error { return b.command(ctx, b.cache, env, "mmdebstrap", args...) }); err != nil {
		return "", err
	}
	return file, os.Rename(file+".part.tar", file)
}

func debianSuite(osRelease string) (string, error) {
	data, err := os.ReadFile(osRelease)
	if err != nil {
		return "", fmt.Errorf("find out which Linux this is: %w", err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = strings.Trim(value, `"`)
	}
	if values["ID"] != "debian" {
		return "", fmt.Errorf("images are built from Debian packages, on Debian only, and this is %s: pull them instead", values["PRETTY_NAME"])
	}
	return values["VERSION_CODENAME"], nil
}
