// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/client"
	. "github.com/onsi/gomega"
)

// hasty limits suit an engine in memory.
var hasty = Limits{
	Question: time.Minute, Change: time.Minute,
	Patience: 20 * time.Millisecond, Ping: 50 * time.Millisecond, Retry: 10 * time.Millisecond,
}

// calls are one of each method of an engine, about container "a".
var calls = map[string]func(ctx context.Context, e engine) error{
	"Ping": func(ctx context.Context, e engine) error { return e.Ping(ctx) },
	"Info": func(ctx context.Context, e engine) error { _, err := e.Info(ctx); return err },

	"ImageExists": func(ctx context.Context, e engine) error { _, err := e.ImageExists(ctx, "a"); return err },
	"PullImage":   func(ctx context.Context, e engine) error { return e.PullImage(ctx, "a", nil, nil) },
	"TagImage":    func(ctx context.Context, e engine) error { return e.TagImage(ctx, "a", "b") },
	"ImageID":     func(ctx context.Context, e engine) error { _, err := e.ImageID(ctx, "a"); return err },
	"SaveImages":  func(ctx context.Context, e engine) error { _, err := e.SaveImages(ctx, "a"); return err },

	"EnsureNetwork":       func(ctx context.Context, e engine) error { _, err := e.EnsureNetwork(ctx, "a"); return err },
	"Connect":             func(ctx context.Context, e engine) error { return e.Connect(ctx, "a", "b") },
	"RemoveUnusedNetwork": func(ctx context.Context, e engine) error { _, err := e.RemoveUnusedNetwork(ctx, "a"); return err },
	"Reconnect":           func(ctx context.Context, e engine) error { return e.Reconnect(ctx, "a") },
	"UnusedVolumes":       func(ctx context.Context, e engine) error { _, err := e.UnusedVolumes(ctx, "a"); return err },
	"RemoveUnusedVolumes": func(ctx context.Context, e engine) error { return e.RemoveUnusedVolumes(ctx, "a") },

	"Create":  func(ctx context.Context, e engine) error { return e.Create(ctx, Spec{Name: "a"}) },
	"Start":   func(ctx context.Context, e engine) error { return e.Start(ctx, "a") },
	"Kill":    func(ctx context.Context, e engine) error { return e.Kill(ctx, "a", "HUP") },
	"Remove":  func(ctx context.Context, e engine) error { return e.Remove(ctx, "a") },
	"Inspect": func(ctx context.Context, e engine) error { _, err := e.Inspect(ctx, "a"); return err },
	"List":    func(ctx context.Context, e engine) error { _, err := e.List(ctx, nil); return err },

	"Exec": func(ctx context.Context, e engine) error {
		_, err := e.Exec(ctx, "a", Exec{Command: []string{"b"}})
		return err
	},
	"CopyTo":   func(ctx context.Context, e engine) error { return e.CopyTo(ctx, "a", "/", strings.NewReader("")) },
	"CopyFrom": func(ctx context.Context, e engine) error { _, err := e.CopyFrom(ctx, "a", "/"); return err },
	"ReadFile": func(ctx context.Context, e engine) error { _, err := e.ReadFile(ctx, "a", "/b"); return err },
	"Logs":     func(ctx context.Context, e engine) error { _, err := e.Logs(ctx, "a", 1); return err },
	"Events":   func(ctx context.Context, e engine) error { _, err := e.Events(ctx, "a"); return err },
}

// Every call ends when the engine does not answer it, nor anything else.
func TestBoundedCallsEnd(t *testing.T) {
	NewWithT(t).Expect(calls).To(HaveLen(reflect.TypeFor[engine]().NumMethod()), "each method has a limit, and a call here")
	fake := NewFake()
	fake.Stall()
	silent, err := newDocker("at a silent socket", client.WithHost("unix://"+listen(t, nil)))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for name, made := range map[string]engine{"fake": fake, "Docker": silent} {
		for method, call := range calls {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				NewWithT(t).Expect(call(t.Context(), Bound(made, hasty))).To(And(MatchError(ErrUnavailable),
					MatchError(ContainSubstring("systemctl restart docker")), MatchError(ContainSubstring(`it has answered neither "`+method))))
			})
		}
	}
}

// Once one call has found out, the others fail at once; when the engine answers again, so do they.
func TestBoundedStall(t *testing.T) {
	g := NewWithT(t)
	fake := NewFake("image")
	limits := hasty
	limits.Retry = time.Hour
	engine := Bound(fake, limits)
	g.Expect(engine.Create(t.Context(), Spec{Name: "a", Image: "image"})).To(Succeed())
	fake.Stall()
	first := engine.Start(t.Context(), "a")
	g.Expect(first).To(MatchError(ErrUnavailable))

	before := len(fake.Calls())
	for method, call := range calls {
		g.Expect(call(t.Context(), engine)).To(MatchError(first.Error()), method+" says the same, so that conditions do not change")
	}
	g.Expect(fake.Calls()).To(HaveLen(before), "the engine is left alone")

	engine.limits.Retry = 0
	_, err := engine.Inspect(t.Context(), "a")
	g.Expect(err).To(MatchError(first.Error()), "asked again, it still does not answer")
	fake.Resume()
	g.Expect(engine.Start(t.Context(), "a")).To(Succeed())
	g.Expect(engine.Inspect(t.Context(), "a")).To(HaveField("State", StateRunning))
}

// One call that hangs, as for a volume that is stuck, is no stall: the others go on.
func TestBoundedOverdue(t *testing.T) {
	g := NewWithT(t)
	fake := NewFake("image")
	fake.BeforeCall = func(ctx context.Context, method, _ string) error {
		if method != "Remove" {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	limits := hasty
	limits.Change = 200 * time.Millisecond
	engine := Bound(fake, limits)
	g.Expect(engine.Create(t.Context(), Spec{Name: "a", Image: "image"})).To(Succeed())
	err := engine.Remove(t.Context(), "a")
	g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring(`"Remove a" is not done after 200ms, although`))))
	g.Expect(engine.Start(t.Context(), "a")).To(Succeed())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.Expect(engine.Remove(ctx, "a")).To(And(MatchError(context.Canceled), Not(MatchError(ErrUnavailable))), "the caller gave up, not the engine")
}

// What rightly lasts does so as long as the engine answers, and no longer.
func TestBoundedLastingCalls(t *testing.T) {
	g := NewWithT(t)
	fake := NewFake("image")
	fake.OnExec = func(ctx context.Context, _ string, _ Exec) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	limits := hasty
	limits.Question, limits.Change = limits.Patience, limits.Patience
	engine := Bound(fake, limits)
	g.Expect(engine.Create(t.Context(), Spec{Name: "a", Image: "image", Labels: map[string]string{"l": ""}})).To(Succeed())
	g.Expect(engine.Start(t.Context(), "a")).To(Succeed())
	events, err := engine.Events(t.Context(), "l")
	g.Expect(err).NotTo(HaveOccurred())
	executed := make(chan error, 1)
	go func() { _, err := engine.Exec(t.Context(), "a", Exec{Command: []string{"sleep"}}); executed <- err }()

	g.Consistently(executed).WithTimeout(10 * limits.Patience).ShouldNot(Receive())
	fake.Stop("a")
	g.Eventually(events).Should(Receive(HaveField("Action", "die")))

	fake.Stall()
	g.Eventually(executed).WithTimeout(time.Minute).Should(Receive(MatchError(ErrUnavailable)))
	g.Eventually(events).WithTimeout(time.Minute).Should(BeClosed(), "a stream that is half dead is no stream")
}

// An engine that stalls in the middle of its answer is noticed there.
func TestBoundedStreams(t *testing.T) {
	var stalled atomic.Bool
	socket := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stalled.Load() {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Api-Version", "1.47")
		w.Header().Set("X-Docker-Container-Path-Stat", "e30=")
		switch {
		case strings.HasSuffix(r.URL.Path, "/exec"):
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"Id":"1"}`)
		case !strings.HasSuffix(r.URL.Path, "/_ping"):
			stalled.Store(true)
			if strings.Contains(r.URL.Path, "/exec/") {
				<-r.Context().Done()
			}
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, `{}`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	for method, call := range map[string]func(ctx context.Context, e engine) error{
		"SaveImages": func(ctx context.Context, e engine) error { return drain(e.SaveImages(ctx, "a")) },
		"CopyFrom":   func(ctx context.Context, e engine) error { return drain(e.CopyFrom(ctx, "a", "/b")) },
		"Exec":       calls["Exec"],
		"PullImage":  calls["PullImage"],
		"ReadFile":   calls["ReadFile"],
	} {
		t.Run(method, func(t *testing.T) {
			g := NewWithT(t)
			stalled.Store(false)
			docker, err := newDocker("at a socket", client.WithHost("unix://"+socket))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(call(t.Context(), Bound(docker, hasty))).To(MatchError(ErrUnavailable))
		})
	}
}

func drain(stream io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stream)
	return errors.Join(err, stream.Close())
}

// listen returns a socket that the handler serves; without one, it accepts connections and answers nothing.
func listen(t *testing.T, handler http.Handler) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	if handler == nil {
		t.Cleanup(func() { _ = listener.Close() })
		return socket // The operating system accepts connections for it.
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket
}
