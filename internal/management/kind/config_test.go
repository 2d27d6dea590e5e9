// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

func TestNeedsCgroupV1Tolerance(t *testing.T) {
	for _, test := range []struct {
		cgroup, image string
		want          bool
	}{
		{"2", "kindest/node:v1.35.0", false},
		{"1", "kindest/node:v1.34.3", false},
		{"1", "kindest/node:v1.35.0", true},
		{"1", "kindest/node:v1.35.0-rc.1", true},
		{"1", "registry:5000/node:v1.36.1@sha256:" + strings.Repeat("0", 64), true},
		{"1", "registry:5000/node", true},
		{"1", "node:latest", true},
	} {
		if got := (Config{NodeImage: test.image}).NeedsCgroupV1Tolerance(Engine{CgroupVersion: test.cgroup}); got != test.want {
			t.Errorf("cgroup v%s, %s: %t", test.cgroup, test.image, got)
		}
	}
}

// The guide's common mistake "Not mounting Docker socket in KinD config": it is mounted.
func TestToKind(t *testing.T) {
	config := Config{
		Name:                 "mgmt",
		NodeImage:            "kindest/node:v1.35.0",
		MountDockerSocket:    true,
		PortMappings:         []PortMapping{{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"}},
		Mounts:               []Mount{{HostPath: "/a", ContainerPath: "/b", ReadOnly: true}},
		FeatureGates:         map[string]bool{"X": true},
		KubeadmConfigPatches: []string{"kind: KubeletConfiguration\nfailCgroupV1: true\n"},
		Labels:               map[string]string{"a": "b"},
	}
	cluster := config.toKind(Engine{CgroupVersion: "1"}, "nonce")
	if len(cluster.Nodes) != 1 {
		t.Fatalf("%d nodes", len(cluster.Nodes))
	}
	want := v1alpha4.Node{
		Role:   v1alpha4.ControlPlaneRole,
		Image:  "kindest/node:v1.35.0",
		Labels: map[string]string{"a": "b"},
		ExtraMounts: []v1alpha4.Mount{
			{HostPath: "/lib/modules", ContainerPath: "/kind/terraform-provider-capi/nonce", Readonly: true},
			{HostPath: "/var/run/docker.sock", ContainerPath: "/var/run/docker.sock"},
			{HostPath: "/a", ContainerPath: "/b", Readonly: true},
		},
		ExtraPortMappings: []v1alpha4.PortMapping{{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"}},
	}
	if diff := cmp.Diff(want, cluster.Nodes[0]); diff != "" {
		t.Error(diff)
	}
	// What the user writes has the last word.
	if diff := cmp.Diff([]string{toleranceOfCgroupV1, config.KubeadmConfigPatches[0]}, cluster.KubeadmConfigPatches); diff != "" {
		t.Error(diff)
	}
	if patches := config.toKind(Engine{CgroupVersion: "2"}, "nonce").KubeadmConfigPatches; len(patches) != 1 {
		t.Errorf("patches on cgroup v2: %q", patches)
	}
}

func TestInotifyWarning(t *testing.T) {
	for content, warns := range map[string]bool{"128\n": true, "511": true, "512\n": false, "8192": false, "": false} {
		if got := inotifyWarning(content); (got != "") != warns {
			t.Errorf("%q: %q", content, got)
		}
	}
}

// The guide's common mistake "Insufficient Docker resources for management + workload clusters".
func TestMemoryWarning(t *testing.T) {
	for memory, warns := range map[int64]bool{0: false, 2_000_000_000: true, 3_799_999_999: true, 4_112_384_000: false, 16_000_000_000: false} {
		if got := (Engine{MemTotal: memory}).MemoryWarning(); (got != "") != warns {
			t.Errorf("%d bytes: %q", memory, got)
		}
	}
	if got := (Engine{MemTotal: 2_080_000_000}).MemoryWarning(); !strings.Contains(got, "has 2.1 GB") {
		t.Errorf("got %q", got)
	}
}
