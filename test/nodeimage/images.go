// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"
	"path/filepath"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// kindnetImage is the network's image in every node image. It is the same for all Kubernetes versions, so that pods of
// a cluster find it on nodes of the old and of the new version while the cluster is upgraded.
const kindnetImage = "localhost/kindnet:v1"

// defaultPath is the PATH of all images.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// image is a container image: its name, its layers from the bottom up, and how to run it.
type image struct {
	name   string
	layers []*layer
	config ocispec.ImageConfig
}

// clusterBinaries are the programs that run in a cluster's pods.
type clusterBinaries struct {
	kubernetes                    map[string]string
	etcd, coredns, kindnet, pause string
}

// clusterImages makes the images that kubeadm wants, by short name in references, and the network's.
func clusterImages(work string, references map[string]string, binaries clusterBinaries, node *rootfs, iptables string) ([]*image, error) {
	netfilter, err := newLayer(filepath.Join(work, "netfilter.tar"), func(w *layerWriter) error {
		return writeNetfilter(w, node, iptables)
	})
	if err != nil {
		return nil, err
	}
	var images []*image
	for _, program := range []struct {
		reference, binary, target string
		below                     []*layer
	}{
		{reference: references["kube-apiserver"], binary: binaries.kubernetes["kube-apiserver"], target: "/usr/local/bin/kube-apiserver"},
		{reference: references["kube-controller-manager"], binary: binaries.kubernetes["kube-controller-manager"], target: "/usr/local/bin/kube-controller-manager"},
		{reference: references["kube-scheduler"], binary: binaries.kubernetes["kube-scheduler"], target: "/usr/local/bin/kube-scheduler"},
		{reference: references["kube-proxy"], binary: binaries.kubernetes["kube-proxy"], target: "/usr/local/bin/kube-proxy", below: []*layer{netfilter}},
		{reference: references["etcd"], binary: binaries.etcd, target: "/usr/local/bin/etcd"},
		{reference: references["coredns"], binary: binaries.coredns, target: "/coredns"},
		{reference: references["pause"], binary: binaries.pause, target: "/pause"},
		{reference: kindnetImage, binary: binaries.kindnet, target: "/usr/local/bin/kindnet", below: []*layer{netfilter}},
	} {
		top, err := newLayer(filepath.Join(work, path.Base(program.target)+".tar"), func(w *layerWriter) error {
			return w.copyFile(program.target, 0o755, program.binary)
		})
		if err != nil {
			return nil, err
		}
		images = append(images, &image{
			name:   program.reference,
			layers: append(slices.Clone(program.below), top),
			config: ocispec.ImageConfig{Env: []string{defaultPath}, Entrypoint: []string{program.target}},
		})
	}
	return images, nil
}

// writeNetfilter puts iptables, nft and conntrack into a layer, with their libraries and nothing else of Debian.
// backend says which of the two iptables (nft, legacy) goes by that name.
func writeNetfilter(w *layerWriter, node *rootfs, backend string) error {
	multi := map[string]string{"legacy": "/usr/sbin/xtables-legacy-multi", "nft": "/usr/sbin/xtables-nft-multi"}
	programs := []string{multi["legacy"], multi["nft"], "/usr/sbin/nft", "/usr/sbin/conntrack"}
	// iptables loads what stands behind -m and -j from this folder; some of that needs libraries of its own.
	if err := w.binaries(node, append(programs, node.folder(node.libraryFolder()+"/xtables")...)...); err != nil {
		return err
	}
	for _, prefix := range []string{"iptables", "ip6tables"} {
		for _, suffix := range []string{"", "-save", "-restore"} {
			if err := w.symlink("/usr/sbin/"+prefix+suffix, multi[backend]); err != nil {
				return err
			}
		}
	}
	// iptables-legacy locks a file there.
	return w.directory("/run", 0o755)
}
