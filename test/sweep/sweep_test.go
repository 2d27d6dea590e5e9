// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestNote(t *testing.T) {
	for name, test := range map[string]struct {
		events string
		made   []string
	}{
		"by its name": {
			`{"Type":"container","Action":"create","Actor":{"ID":"1","Attributes":{"name":"acc-failed-control-plane"}}}`,
			[]string{"container acc-failed-control-plane"},
		},
		"by a label": {
			`{"Type":"container","Action":"create","Actor":{"ID":"1","Attributes":{"name":"md-0","terraform-capi.io/cluster":"ha-acc"}}}`,
			[]string{"container md-0"},
		},
		"a volume by its container": {
			`{"Type":"container","Action":"create","Actor":{"ID":"1","Attributes":{"name":"test-acc-17"}}}
			 {"Type":"volume","Action":"mount","Actor":{"ID":"v","Attributes":{"container":"1"}}}`,
			[]string{"container test-acc-17", "volume v of container test-acc-17"},
		},
		"networks and images": {
			`{"Type":"network","Action":"create","Actor":{"ID":"1","Attributes":{"name":"acc-network-4"}}}
			 {"Type":"image","Action":"tag","Actor":{"ID":"sha256:1","Attributes":{"name":"localhost/acc-load:5"}}}`,
			[]string{"network acc-network-4", "image localhost/acc-load:5"},
		},
		"of others": {
			`{"Type":"container","Action":"create","Actor":{"ID":"1","Attributes":{"name":"accounting","image":"account"}}}
			 {"Type":"volume","Action":"mount","Actor":{"ID":"v","Attributes":{"container":"1"}}}
			 {"Type":"network","Action":"create","Actor":{"ID":"1","Attributes":{"name":"terraform-capi"}}}`,
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := []string{}
			for _, one := range read(strings.NewReader(test.events)) {
				found = append(found, one)
			}
			NewWithT(t).Expect(found).To(ConsistOf(test.made))
		})
	}
}

func TestLeftFiles(t *testing.T) {
	g, folder := NewWithT(t), t.TempDir()
	g.Expect(leftFiles(folder)).To(BeEmpty())
	g.Expect(os.Mkdir(folder+"/plugin123", 0o700)).To(Succeed())
	g.Expect(leftFiles(folder)).To(ConsistOf("file " + folder + "/plugin123"))
}

func TestLeftProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	g := NewWithT(t)
	g.Expect(adoptOrphans()).To(Succeed())
	g.Expect(leftProcesses(t.Context())).To(BeEmpty())
	g.Expect(exec.CommandContext(t.Context(), "sh", "-c", "sleep 1000 >/dev/null 2>&1 &").Run()).To(Succeed())
	g.Expect(leftProcesses(t.Context())).To(ConsistOf(HaveSuffix(": sleep 1000")))
}

// TestAccSweep leaves things on the engine, and has them found.
func TestAccSweep(t *testing.T) {
	const image = "kindest/haproxy:v20230606-42a2262b"
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	if exec.CommandContext(t.Context(), "docker", "image", "inspect", image).Run() != nil {
		t.Skipf("This test needs image %s, which is not here.", image)
	}
	g := NewWithT(t)
	watch, err := watchEngine(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	script := `docker network create acc-sweep && docker network create acc-sweep-gone && docker network rm acc-sweep-gone
		docker tag "$0" localhost/acc-sweep:1
		run="--volume /data --entrypoint /usr/sbin/haproxy $0 -v"
		docker run --name acc-sweep $run && docker run --rm --name acc-sweep-gone $run`
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", script, image).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	left, err := watch.left(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(ConsistOf("container acc-sweep", MatchRegexp("^volume .* of container acc-sweep$"), "network acc-sweep", "image localhost/acc-sweep:1"))

	script = "docker rm --volumes acc-sweep && docker network rm acc-sweep && docker rmi localhost/acc-sweep:1"
	out, err = exec.CommandContext(t.Context(), "sh", "-ec", script).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
}
