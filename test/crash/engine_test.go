// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"net"
	"net/rpc"
	"path/filepath"
	"testing"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

// DockerCall is a docker command of the plugin.
type DockerCall struct {
	Stdin []byte
	Args  []string
}

// DockerAnswer is what it printed.
type DockerAnswer struct {
	Stdout, Stderr []byte
	Failed         bool
}

// Engine serves a kindtest.Engine to plugins.
type Engine struct {
	engine *kindtest.Engine
	hello  func(pid int)
}

// Hello says which process it is that makes the next calls.
func (e Engine) Hello(pid int, _ *struct{}) error {
	e.hello(pid)
	return nil
}

// Docker runs a docker command.
func (e Engine) Docker(call DockerCall, answer *DockerAnswer) error {
	var err error
	answer.Stdout, answer.Stderr, err = e.engine.Docker(context.Background(), call.Stdin, call.Args...)
	answer.Failed = err != nil
	return nil
}

// Pull pulls an image.
func (e Engine) Pull(image string, _ *struct{}) error {
	return e.engine.Pull(context.Background(), image)
}

// CreateCluster makes a KinD cluster.
func (e Engine) CreateCluster(config v1alpha4.Cluster, _ *struct{}) error {
	return e.engine.CreateCluster(context.Background(), &config)
}

// serveEngine serves the engine until the end of the test, and returns the socket.
func serveEngine(t *testing.T, engine Engine) string {
	t.Helper()
	server := rpc.NewServer()
	if err := server.RegisterName("Engine", engine); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "e")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go server.ServeConn(conn)
		}
	}()
	return socket
}
