// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// An API server that accepts connections and says nothing does not answer, and is not asked
// once for each resource of a plan.
func TestConnectToSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var attempts atomic.Int32
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			attempts.Add(1)
			open.Go(func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })

	resolver := NewResolver(nil, kubeconfigs{"mgmt": kubeconfigFor(t, "http://"+listener.Addr().String(), "x")})
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if _, err := resolver.Connect(t.Context(), "kind://mgmt"); !errors.Is(err, ErrUnreachable) || !IsConnectionError(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	callers.Wait()
	// A plan makes no other, however long ago that one was; an operation may.
	entry := resolver.entry("kind://mgmt")
	resolver.Retry("kind://mgmt")
	entry.retryAt = time.Time{}
	if _, err := resolver.Connect(t.Context(), "kind://mgmt"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error is %v", err)
	}
	if got := attempts.Load(); got != 1 {
		t.Errorf("%d attempts were made", got)
	}
	resolver.Retry("kind://mgmt")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	if _, err := resolver.Connect(ctx, "kind://mgmt"); err == nil {
		t.Error("a silent server answered")
	}
	if got := attempts.Load(); got != 2 {
		t.Errorf("%d attempts were made", got)
	}
}

// Whatever was in a KinD cluster that is gone, Docker is asked once about it.
func TestOneQuestionAboutAMissingCluster(t *testing.T) {
	engine := &counting{}
	resolver := NewResolver(nil, engine)
	recorded := Identity{UID: "1", KinD: &kind.Identity{Engine: "engine"}}
	for range 5 {
		if _, err := resolver.Reconnect(t.Context(), "kind://gone", recorded); !errors.Is(err, ErrGone) {
			t.Errorf("error is %v", err)
		}
	}
	if engine.questions.Load() != 2 {
		t.Errorf("%d questions were asked", engine.questions.Load())
	}
}

// counting is an engine without clusters, which counts what it is asked.
type counting struct {
	KindClusters
	questions atomic.Int32
}

func (c *counting) KubeConfig(context.Context, string) (string, error) {
	c.questions.Add(1)
	return "", kind.ErrNotFound
}

func (c *counting) Engine(context.Context) (kind.Engine, error) {
	c.questions.Add(1)
	return kind.Engine{ID: "engine"}, nil
}

// A server that falls silent once it has answered does not hold up requests for ever. Clients
// tell servers when they stop waiting.
func TestRequestsHaveATimeout(t *testing.T) {
	answers := map[string]string{
		"/version":                       `{}`,
		"/api":                           `{"kind": "APIVersions", "versions": ["v1"]}`,
		"/apis":                          `{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}`,
		"/api/v1":                        `{"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "namespaces", "kind": "Namespace", "verbs": ["get"]}]}`,
		"/api/v1/namespaces/kube-system": `{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": "1"}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
		if err != nil || timeout <= 0 {
			t.Errorf("request for %s has timeout %s: %v", r.URL, timeout, err)
		}
		if answers[r.URL.Path] == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, strings.NewReader(answers[r.URL.Path]))
	}))
	t.Cleanup(server.Close)
	cluster, err := NewResolver(nil, kubeconfigs{"mgmt": kubeconfigFor(t, server.URL, "x")}).Connect(t.Context(), "kind://mgmt")
	if err != nil {
		t.Fatal(err)
	}
	if uid, err := cluster.UID(t.Context()); err != nil || uid != "1" {
		t.Errorf("UID is %q: %v", uid, err)
	}
}
