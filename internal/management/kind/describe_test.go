// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

const image = "kindest/node:v1.35.0"

// full is a configuration with everything in it.
var full = Config{
	Name: "mgmt", NodeImage: image, MountDockerSocket: true,
	Mounts:               []Mount{{HostPath: "/srv/data", ContainerPath: "/data", ReadOnly: true}},
	FeatureGates:         map[string]bool{"InPlace": true},
	KubeadmConfigPatches: []string{"kind: ClusterConfiguration"},
	Labels:               map[string]string{"tier": "management"},
}

// newCluster makes the cluster of config in an engine of its own.
func newCluster(t *testing.T, config Config) (*kindtest.Engine, *Clusters) {
	t.Helper()
	docker := kindtest.New(image)
	clusters := NewFor(docker, DefaultLapse)
	creation, err := clusters.Create(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := creation.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	return docker, clusters
}

func TestDescribe(t *testing.T) {
	docker, clusters := newCluster(t, full)
	node := docker.Containers()[0]
	admin, err := clientcmd.Load([]byte(node.Files[adminPath]))
	if err != nil {
		t.Fatal(err)
	}
	ca := string(admin.Clusters["kubernetes"].CertificateAuthorityData)
	nonce := strings.TrimPrefix(strings.Split(node.Binds[1], ":")[1], nonceFolder)
	shown := Config{Name: "mgmt", NodeImage: image, MountDockerSocket: true, Mounts: full.Mounts}
	for _, test := range []struct {
		name   string
		change func(*kindtest.Container)
		want   Description
	}{
		{"running", func(*kindtest.Container) {}, Description{
			Status: StatusRunning, Nonce: nonce, Config: full, CACertificate: ca, Endpoint: "https://127.0.0.1:1", KubernetesVersion: "v1.35.0",
		}},
		{"paused", func(c *kindtest.Container) { c.State = "paused" }, Description{Status: StatusPaused, Nonce: nonce, Config: shown, CACertificate: ca}},
		{"stopped", func(c *kindtest.Container) { c.State = "exited" }, Description{Status: StatusStopped, Nonce: nonce, Config: shown, CACertificate: ca}},
		{"stopped without kubeconfig", func(c *kindtest.Container) { delete(c.Files, adminPath) }, Description{Status: StatusStopped, Nonce: nonce, Config: shown}},
		{"incomplete", func(c *kindtest.Container) { c.State = "running" }, Description{Status: StatusIncomplete, Nonce: nonce, Config: shown}},
	} {
		docker.Edit(node.Name, test.change)
		test.want.Node, test.want.Nodes = node.Name, []string{node.ID}
		got, err := clusters.Describe(t.Context(), "mgmt")
		if diff := cmp.Diff(&test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %s, %v", test.name, diff, err)
		}
	}
}

// A cluster without its control plane node can have no API.
func TestDescribeWithoutControlPlane(t *testing.T) {
	docker := kindtest.New()
	worker := docker.Add(kindtest.Container{Name: "mgmt-worker", Labels: map[string]string{Label: "mgmt", roleLabel: "worker"}})
	got, err := NewFor(docker, DefaultLapse).Describe(t.Context(), "mgmt")
	want := &Description{Status: StatusIncomplete, Node: "mgmt-control-plane", Nodes: []string{worker.ID}, Config: Config{Name: "mgmt"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
}

// Nothing that fails makes a cluster one that never worked, or one that is not there.
func TestDescribeErrors(t *testing.T) {
	docker, clusters := newCluster(t, full)
	if _, err := clusters.Describe(t.Context(), "other"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without nodes: %v", err)
	}
	before := len(docker.Calls())
	if _, err := clusters.Describe(t.Context(), "mgmt"); err != nil {
		t.Fatal(err)
	}
	calls := docker.Calls()[before:]
	if len(calls) < 5 {
		t.Fatalf("the calls are %q", calls)
	}
	for _, failing := range calls {
		docker.Before = func(call string) error {
			if call == failing {
				return errors.New("OCI runtime exec failed: cannot fork: no such file or directory")
			}
			return nil
		}
		if got, err := clusters.Describe(t.Context(), "mgmt"); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s fails: %+v, %v", failing, got, err)
		}
	}
	docker.Before = nil
	// Gone between two questions is not without a kubeconfig.
	docker.Before = func(call string) error {
		if strings.HasPrefix(call, "docker cp") {
			docker.Remove("mgmt-control-plane")
			return errors.New("Error: No such container:path: mgmt-control-plane:" + adminPath)
		}
		return nil
	}
	if got, err := clusters.Describe(t.Context(), "mgmt"); err == nil {
		t.Errorf("the node is gone: %+v", got)
	}
	docker.SetDown(true)
	if _, err := clusters.Describe(t.Context(), "mgmt"); !errors.Is(err, ErrDockerUnreachable) {
		t.Errorf("without Docker: %v", err)
	}
}

// What KinD wrote for kubeadm tells a part of what a cluster of others was made from.
func TestDescribeForeign(t *testing.T) {
	docker, clusters := newCluster(t, full)
	docker.Edit("mgmt-control-plane", func(c *kindtest.Container) {
		delete(c.Files, recordPath)
		c.Files["/kind/kubeadm.conf"] = readFile(t, "kubeadm.conf")
	})
	got, err := clusters.Describe(t.Context(), "mgmt")
	if err != nil {
		t.Fatal(err)
	}
	want := full
	want.KubeadmConfigPatches, want.Labels = nil, map[string]string{"tier": "management", "zone": "a"}
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Error(diff)
	}
}

func TestInspection(t *testing.T) {
	var inspected []inspection
	if err := json.Unmarshal([]byte(readFile(t, "inspect.json")), &inspected); err != nil {
		t.Fatal(err)
	}
	config := Config{Name: "mgmt"}
	inspected[0].into(&config)
	want := Config{
		Name:              "mgmt",
		NodeImage:         image,
		MountDockerSocket: true,
		Mounts:            []Mount{{HostPath: "/srv/data", ContainerPath: "/data", ReadOnly: true}},
		PortMappings: []PortMapping{
			{ContainerPort: 53, HostPort: 5353, ListenAddress: "0.0.0.0", Protocol: "UDP"},
			{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"},
		},
	}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Error(diff)
	}
	if got := inspected[0].nonce(); got != "6ga2" {
		t.Errorf("nonce is %q", got)
	}
	if got, err := inspected[0].endpoint(); got != "https://127.0.0.1:39131" || err != nil {
		t.Errorf("endpoint is %q, %v", got, err)
	}
	inspected[0].Config.Labels = map[string]string{"desktop.docker.io/ports/6443/tcp": "10.0.1.7:6443"}
	if got, err := inspected[0].endpoint(); got != "https://10.0.1.7:6443" || err != nil {
		t.Errorf("endpoint in Docker Desktop is %q, %v", got, err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
