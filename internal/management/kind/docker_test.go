// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

func TestDockerErrors(t *testing.T) {
	missing := New()
	t.Setenv("PATH", t.TempDir())
	if _, err := missing.Engine(t.Context()); !errors.Is(err, ErrDockerUnreachable) {
		t.Errorf("without a docker command: %v", err)
	}
	errOther := errors.New("another one")
	for output, want := range map[string]error{
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?":           ErrDockerUnreachable,
		"permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get x": ErrDockerUnreachable,
		"Error response from daemon: No such container: mgmt-control-plane":                                           errNoContainer,
		"Error response from daemon: Conflict. The container name \"/a\" is already in use by container \"1\".":       errNameInUse,
		"Error: No such container:path: mgmt-control-plane:/etc/kubernetes/admin.conf":                                errOther,
	} {
		err := dockerError(t.Context(), time.Second, "ps", output, errors.New("exit status 1"))
		for _, known := range []error{ErrDockerUnreachable, errNoContainer, errNameInUse} {
			if errors.Is(err, known) != errors.Is(want, known) || !strings.Contains(err.Error(), output) {
				t.Errorf("%q became %v", output, err)
			}
		}
	}
}

func TestEngine(t *testing.T) {
	docker := kindtest.New()
	engine, err := NewFor(docker, DefaultLapse).Engine(t.Context())
	if err != nil || engine.ID != docker.ID() || engine.CgroupVersion != "2" || time.Since(engine.SystemTime).Abs() > time.Hour {
		t.Errorf("%+v, %v", engine, err)
	}
	docker.SetDown(true)
	if _, err := NewFor(docker, DefaultLapse).Engine(t.Context()); !errors.Is(err, ErrDockerUnreachable) {
		t.Errorf("error is %v", err)
	}
}

// Containers of a workload cluster of the same name have KinD's labels, be they
// ours or those of upstream's Docker provider.
func TestIdentityLeavesOutWorkloadClusters(t *testing.T) {
	docker := kindtest.New()
	clusters := NewFor(docker, DefaultLapse)
	labelled := func(name, role string) kindtest.Container {
		return kindtest.Container{Name: name, Labels: map[string]string{Label: "mgmt", roleLabel: role}}
	}
	for _, foreign := range []kindtest.Container{
		labelled("mgmt-lb", "external-load-balancer"),
		labelled("mgmt-md-0-x2x4", "worker"),
		labelled("mgmt-control-plane-ab12", "control-plane"),
		labelled("mgmt-worker1", "worker"),
		labelled("mgmt-worker02", "worker"),
		labelled("mgmt-worker2", "control-plane"),
		labelled("mgmt-external-etcd", "external-etcd"),
		{Name: "mgmt-worker", Labels: map[string]string{Label: "mgmt", roleLabel: "worker", ourLabels + "machine": ""}},
		{Name: "mgmt-control-plane2", Labels: map[string]string{Label: "mgmt"}},
	} {
		docker.Add(foreign)
		if identity, err := clusters.Identity(t.Context(), "mgmt"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, %v", foreign.Name, identity, err)
		}
	}
	var taken *LabelledError
	if err := clusters.CheckName(t.Context(), "mgmt"); !errors.As(err, &taken) || len(taken.Containers) != len(docker.Names()) {
		t.Errorf("the name is free: %v", err)
	}
	want := Identity{Engine: docker.ID()}
	for id, node := range map[string]kindtest.Container{
		"id-2": labelled("mgmt-control-plane", "control-plane"),
		"id-1": labelled("mgmt-worker3", "worker"),
		"id-3": labelled("mgmt-external-load-balancer", "external-load-balancer"),
	} {
		node.ID = id
		docker.Add(node)
	}
	want.Nodes = []string{"id-1", "id-2", "id-3"}
	identity, err := clusters.Identity(t.Context(), "mgmt")
	if diff := cmp.Diff(want, identity); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
}

// What is not there, or is gone by now, is deleted; nothing else is.
func TestDelete(t *testing.T) {
	docker := kindtest.New()
	one, two := docker.Add(kindtest.Container{Name: "one"}), docker.Add(kindtest.Container{Name: "two"})
	removals := 0
	docker.Before = func(call string) error {
		if strings.HasPrefix(call, "docker rm") {
			removals++
			if removals == 1 {
				return errors.New("Error response from daemon: removal of container 1 is already in progress")
			}
		}
		return nil
	}
	if err := NewFor(docker, DefaultLapse).Delete(t.Context(), []string{one.ID, "gone"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"two"}, docker.Names()); diff != "" {
		t.Error(diff)
	}
	docker.Before = func(string) error { return errors.New("the disk is broken") }
	if err := NewFor(docker, DefaultLapse).Delete(t.Context(), []string{two.ID}); err == nil {
		t.Error("no error")
	}
}

func TestHasDockerSocket(t *testing.T) {
	for bind, want := range map[string]bool{"/run/docker.sock:/var/run/docker.sock": true, "/var/run/docker.sock:/run/docker.sock": false} {
		docker := kindtest.New()
		docker.Add(kindtest.Container{
			Name: "mgmt-control-plane", Labels: map[string]string{Label: "mgmt", roleLabel: "control-plane"}, Binds: []string{"/a:/b", bind},
		})
		clusters := NewFor(docker, DefaultLapse)
		if got, err := clusters.HasDockerSocket(t.Context(), "mgmt"); got != want || err != nil {
			t.Errorf("%q: %t, %v", bind, got, err)
		}
		if _, err := clusters.HasDockerSocket(t.Context(), "other"); !errors.Is(err, ErrNotFound) {
			t.Errorf("without nodes: %v", err)
		}
	}
}

// The engine is the docker command's: DOCKER_HOST, or else the current context.
func TestRuntime(t *testing.T) {
	for name, test := range map[string]struct {
		host, context string
		down          bool
		want          string
	}{
		"environment": {"unix:///run/environment.sock", "", false, "at unix:///run/environment.sock"},
		"context":     {"", "unix:///run/context.sock", false, "at unix:///run/context.sock"},
		"ssh":         {"", "ssh://me@there", false, "the docker context leads to ssh://me@there"},
		"no command":  {"", "", true, "Docker is not reachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", test.host)
			docker := kindtest.New()
			docker.Endpoint = test.context
			docker.SetDown(test.down)
			runtime, err := NewFor(docker, DefaultLapse).Runtime(t.Context())
			if err == nil {
				_, err = runtime.Info(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
