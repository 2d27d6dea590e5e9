// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// Versions that do not follow from the Kubernetes version.
const (
	containerdVersion = "v2.3.4"
	kindVersion       = "v0.33.0"
)

// kubernetesPrograms are the binaries of a node image and of the images in it.
var kubernetesPrograms = []string{
	"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubeadm", "kubectl",
}

// kubernetes compiles programs of one Kubernetes version; kubernetesPrograms takes eight minutes on two cores.
func (b *builder) kubernetes(ctx context.Context, version string, programs ...string) (map[string]string, error) {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return nil, fmt.Errorf("%q is not a Kubernetes version such as v1.35.0", version)
	}
	p := goProgram{
		module:   "k8s.io/kubernetes",
		version:  version,
		staging:  stagingVersion(version),
		stamps:   versionStamps(version),
		packages: map[string]string{},
	}
	for _, name := range programs {
		p.packages[name] = "k8s.io/kubernetes/cmd/" + name
	}
	return b.build(ctx, p)
}

// stagingVersion is the version of k8s.io/api and the other published modules that belongs to Kubernetes v1.X.Y: v0.X.Y.
func stagingVersion(version string) string {
	return "v0" + strings.TrimPrefix(version, semver.Major(version))
}

// versionStamps sets what `kubelet --version` and the API's /version tell.
func versionStamps(version string) map[string]string {
	major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(version), "v"), ".")
	stamps := map[string]string{}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		stamps[pkg+".gitVersion"] = version
		stamps[pkg+".gitMajor"] = major
		stamps[pkg+".gitMinor"] = minor
		stamps[pkg+".gitTreeState"] = "clean"
	}
	return stamps
}

// kubeadmImages asks kubeadm for the images that a cluster of its version runs: full references by short name.
func (b *builder) kubeadmImages(ctx context.Context, kubernetes map[string]string, version string) (map[string]string, error) {
	out, err := output(ctx, b.cache, kubernetes["kubeadm"], "config", "images", "list", "--kubernetes-version", version)
	if err != nil {
		return nil, err
	}
	images := parseImages(string(out))
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd", "coredns", "pause"} {
		if images[name] == "" {
			return nil, fmt.Errorf("kubeadm %s lists no image %s, but: %s", version, name, strings.Fields(string(out)))
		}
	}
	return images, nil
}

func parseImages(list string) map[string]string {
	images := map[string]string{}
	for _, reference := range strings.Fields(list) {
		name, _, _ := strings.Cut(reference[strings.LastIndex(reference, "/")+1:], ":")
		images[name] = reference
	}
	return images
}

// etcd compiles the server whose version is in the tag of kubeadm's image, such as registry.k8s.io/etcd:3.6.6-0.
func (b *builder) etcd(ctx context.Context, reference string) (string, error) {
	const module = "go.etcd.io/etcd/server/v3"
	version, err := b.servedVersion(ctx, module, imageVersion(reference))
	if err != nil {
		return "", err
	}
	binaries, err := b.build(ctx, goProgram{module: module, version: version, packages: map[string]string{"etcd": module}})
	return binaries["etcd"], err
}

func (b *builder) coredns(ctx context.Context, reference string) (string, error) {
	const module = "github.com/coredns/coredns"
	version, err := b.servedVersion(ctx, module, imageVersion(reference))
	if err != nil {
		return "", err
	}
	binaries, err := b.build(ctx, goProgram{module: module, version: version, packages: map[string]string{"coredns": module}})
	return binaries["coredns"], err
}

func (b *builder) containerd(ctx context.Context) (map[string]string, error) {
	const module = "github.com/containerd/containerd/v2"
	p := goProgram{
		module:   module,
		version:  containerdVersion,
		tags:     "no_btrfs,no_zfs,no_devmapper,no_aufs",
		stamps:   map[string]string{module + "/version.Version": containerdVersion},
		packages: map[string]string{},
	}
	for _, name := range []string{"containerd", "ctr", "containerd-shim-runc-v2"} {
		p.packages[name] = module + "/cmd/" + name
	}
	return b.build(ctx, p)
}

// imageVersion is the version of the program in an image: registry.k8s.io/etcd:3.6.6-0 holds v3.6.6.
func imageVersion(reference string) string {
	tag := reference[strings.LastIndex(reference, ":")+1:]
	version, _, _ := strings.Cut("v"+strings.TrimPrefix(tag, "v"), "-")
	return version
}

// servedVersion is the wanted version of a module or, where the module proxy does not have that, the nearest it has.
func (b *builder) servedVersion(ctx context.Context, module, wanted string) (string, error) {
	_, err := download(ctx, module, wanted)
	if err == nil {
		return wanted, nil
	}
	out, listErr := output(ctx, b.cache, "go", "list", "-m", "-f", "{{range .Versions}}{{.}} {{end}}", "-versions", module+"@latest")
	version := nearest(wanted, strings.Fields(string(out)))
	if listErr != nil || version == "" {
		return "", fmt.Errorf("download %s %s, or any other version: %w", module, wanted, err)
	}
	b.printf("%s %s is not served: taking %s", module, wanted, version)
	return version, nil
}

// nearest is the newest release that is not newer than wanted, or else the oldest that is.
func nearest(wanted string, versions []string) string {
	releases := slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return semver.Prerelease(v) != "" })
	semver.Sort(releases)
	found := ""
	for _, v := range releases {
		if found != "" && semver.Compare(v, wanted) > 0 {
			break
		}
		found = v
	}
	return found
}
