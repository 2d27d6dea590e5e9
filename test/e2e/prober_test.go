// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	probeInterval = 100 * time.Millisecond
	// probeTimeout is how long a person would wait for kubectl before calling it down.
	probeTimeout = 30 * time.Second
)

// prober reads and writes through a cluster's load balancer until it is stopped, and counts what fails. Half of its
// clients keep their connection, as controllers do, and half make a new one each time, as kubectl does.
type prober struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu        sync.Mutex
	succeeded int
	failures  []string
	slowest   time.Duration
}

// startProber writes to ConfigMaps of the namespace default.
func startProber(t *testing.T, kubeconfig string) *prober {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &prober{stop: stop}
	t.Cleanup(stop)
	for _, keep := range []bool{true, false} {
		config, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
		if err != nil {
			t.Fatal(err)
		}
		config.QPS = -1
		config.Timeout = probeTimeout
		if !keep {
			config.Wrap(newConnections)
		}
		p.done.Go(func() { p.run(ctx, kubernetes.NewForConfigOrDie(config), fmt.Sprintf("prober-%t", keep)) })
	}
	return p
}

// newConnections has each request close its connection.
func newConnections(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		request.Close = true
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func (p *prober) run(ctx context.Context, clients kubernetes.Interface, name string) {
	configMaps := clients.CoreV1().ConfigMaps(metav1.NamespaceDefault)
	for count := 0; ctx.Err() == nil; count++ {
		if count == 0 {
			p.count(ctx, "create", func() error {
				_, err := configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
				return err
			})
		}
		var current *corev1.ConfigMap
		p.count(ctx, "get", func() (err error) {
			current, err = configMaps.Get(ctx, name, metav1.GetOptions{})
			return err
		})
		if current != nil {
			current.Data = map[string]string{"count": strconv.Itoa(count)}
			// Without a resource version: a write whose answer was lost may be repeated.
			current.ResourceVersion = ""
			p.count(ctx, "update", func() error {
				_, err := configMaps.Update(ctx, current, metav1.UpdateOptions{})
				return err
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeInterval):
		}
	}
}

func (p *prober) count(ctx context.Context, verb string, do func() error) {
	start := time.Now()
	err := do()
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowest = max(p.slowest, time.Since(start))
	if err == nil {
		p.succeeded++
		return
	}
	p.failures = append(p.failures, fmt.Sprintf("%s %s after %s: %v",
		start.Format(time.TimeOnly), verb, time.Since(start).Round(time.Millisecond), err))
}

// end stops the prober and returns what it counted.
func (p *prober) end() (succeeded int, slowest time.Duration, failures []string) {
	p.stop()
	p.done.Wait()
	return p.succeeded, p.slowest, p.failures
}
