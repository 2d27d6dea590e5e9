// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/distribution/reference"
	. "github.com/onsi/gomega"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/webhooks/webhookstest"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// admittedSpecs are containers of machines that were made by chance and admitted, by their seeds.
func admittedSpecs(t *testing.T, kind string, info container.Info) map[uint64]container.Spec {
	t.Helper()
	r := &Reconciler{Network: &network.Network{}}
	specs := map[uint64]container.Spec{}
	for seed := range uint64(*webhookstest.Objects) {
		object, err := webhookstest.Create(t.Context(), kind, webhookstest.Random(rand.New(rand.NewPCG(seed, 1)), kind))
		if err != nil {
			continue
		}
		machine := &infrav1.DockerMachine{}
		switch object := object.(type) {
		case *infrav1.DockerMachine:
			machine = object
		case *devv1.DevMachine:
			machine.Spec = variants.MachineSpecFromDev(object.Spec)
		}
		s := &scope{
			dockerMachine: machine, clusterName: "fuzz", cluster: &clusterv1.Cluster{}, dockerCluster: &infrav1.DockerCluster{}, machine: &clusterv1.Machine{Spec: clusterv1.MachineSpec{Version: "v1.35.0"}},
			containerName: fmt.Sprintf("acc-fuzz-%d", seed),
		}
		image, err := nodeImage(s)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		specs[seed] = r.containerSpec(s, image, network.Addresses{}, info)
	}
	return specs
}

var dockerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// refusal is why an engine does not make a container, as read from moby 28 (daemon/container.go, volume/mounts), or nil.
func refusal(spec container.Spec) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(dockerName.MatchString(spec.Name), "name %q", spec.Name)
	_, err := reference.ParseNormalizedNamed(spec.Image)
	check(err == nil, "image %q: %v", spec.Image, err)
	targets := map[string]bool{}
	mount := func(target string) {
		check(path.IsAbs(target) && path.Clean(target) != "/" && !strings.ContainsAny(target, ":\x00"), "mount at %q", target)
		check(!targets[path.Clean(target)], "two mounts at %q", target)
		targets[path.Clean(target)] = true
	}
	for _, m := range spec.Mounts {
		mount(m.Target)
		check(path.IsAbs(m.Source) && !strings.ContainsAny(m.Source, ":\x00"), "mount of %q", m.Source)
	}
	for _, target := range append(spec.Volumes, spec.Tmpfs...) {
		mount(target)
	}
	for _, port := range spec.Ports {
		_, err := netip.ParseAddr(port.HostIP)
		check(err == nil, "host address %q", port.HostIP)
		check(port.ContainerPort > 0 && port.ContainerPort < 1<<16, "container port %d", port.ContainerPort)
		check(port.HostPort >= 0 && port.HostPort < 1<<16, "host port %d", port.HostPort)
		check(strings.Contains(" tcp udp sctp ", " "+port.Protocol+" ") || port.Protocol == "", "protocol %q", port.Protocol)
	}
	const leastMemory = 6 << 20
	check(spec.MemoryBytes == 0 || spec.MemoryBytes >= leastMemory, "%d bytes of memory", spec.MemoryBytes)
	check(spec.NanoCPUs >= 0, "%d billionths of a processor", spec.NanoCPUs)
	return errors.Join(errs...)
}

// What admission lets through is a container that an engine makes.
func TestAdmittedMachinesCanBeMade(t *testing.T) {
	for _, kind := range []string{"DockerMachine", "DevMachine"} {
		specs := admittedSpecs(t, kind, container.Info{})
		NewWithT(t).Expect(len(specs)).To(BeNumerically(">", *webhookstest.Objects/20))
		for seed, spec := range specs {
			NewWithT(t).Expect(refusal(spec)).To(Succeed(), "%s, seed %d", kind, seed)
		}
	}
}

// The same with a real engine. Nothing is started.
func TestAccAdmittedMachinesCanBeMade(t *testing.T) {
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	g := NewWithT(t)
	docker, err := container.NewDocker()
	g.Expect(err).NotTo(HaveOccurred())
	const image = "kindest/haproxy:v20230606-42a2262b"
	if exists, err := docker.ImageExists(ctx, image); err != nil || !exists {
		t.Skipf("This test needs image %s: %v", image, err)
	}
	info, err := docker.Info(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	made := 0
	for seed, spec := range admittedSpecs(t, "DockerMachine", info) {
		// What depends on the host is not admission's: its processors, and its networks.
		spec.Image, spec.Network, spec.NanoCPUs = image, "", min(spec.NanoCPUs, int64(info.CPUs)*1e9)
		created := docker.Create(ctx, spec)
		g.Expect(docker.Remove(ctx, spec.Name)).To(Succeed())
		g.Expect(created).To(Succeed(), "seed %d: %+v", seed, spec)
		made++
	}
	t.Logf("%d containers were made.", made)
}
