// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// creating returns two clients that create a ConfigMap of one name, as two applies
// would, with heartbeats that tests can wait for.
func creating(t *testing.T, name string) (first, second *management.Cluster, object func(string) *corev1.ConfigMap) {
	t.Helper()
	connect := func() *management.Cluster {
		cluster, err := management.NewCluster(t.Context(), "", acctest.NeedAPIServer(t).Cluster.RESTConfig)
		if err != nil {
			t.Fatal(err)
		}
		cluster.Timing = management.CreationTiming{Heartbeat: 100 * time.Millisecond, Lapse: 2 * time.Second}
		return cluster
	}
	return connect(), connect(), func(content string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: map[string]string{"content": content}}
	}
}

func TestIntegrationCreationIsMarkedUntilItIsFinished(t *testing.T) {
	first, second, object := creating(t, "finished")
	created := object("first")
	creation, err := first.Begin(t.Context(), created)
	if err != nil {
		t.Fatal(err)
	}
	if created.Annotations[management.CreationAnnotation] == "" || creation.TookOver {
		t.Errorf("what was created is %v", created.ObjectMeta)
	}
	if _, err := second.Begin(t.Context(), object("second")); !errors.Is(err, management.ErrBeingCreated) {
		t.Errorf("while it is being created: %v", err)
	}
	if err := creation.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Begin(t.Context(), object("second")); !errors.Is(err, management.ErrExists) {
		t.Errorf("when it is created: %v", err)
	}
	read := object("")
	if err := first.Get(t.Context(), client.ObjectKeyFromObject(read), read); err != nil {
		t.Fatal(err)
	}
	if len(read.Annotations) > 0 || read.Data["content"] != "first" {
		t.Errorf("it is now %v, %v", read.Annotations, read.Data)
	}
}

func TestIntegrationCreationThatWasCutOffIsTakenOver(t *testing.T) {
	first, second, object := creating(t, "cut-off")
	cutOff, err := first.Begin(t.Context(), object("first"))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, cutOff.Stop)
	began := time.Now()
	created := object("second")
	_, err = second.Begin(t.Context(), created)
	if !errors.Is(err, management.ErrBeingCreated) {
		t.Fatalf("while there are heartbeats: %v", err)
	}
	<-time.After(time.Until(began.Add(1500 * time.Millisecond)))
	creation, err := second.Begin(t.Context(), created)
	if err != nil {
		t.Fatal(err)
	}
	if !creation.TookOver || created.Data["content"] != "second" {
		t.Errorf("taken over: %t, content %v", creation.TookOver, created.Data)
	}
	if err := cutOff.Finish(t.Context()); !errors.Is(err, management.ErrTakenOver) {
		t.Errorf("the one that was taken over finishes: %v", err)
	}
	if err := creation.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

// lossy is a client that loses the answers to patches: all of them while lose is set.
type lossy struct {
	client.Client
	lose atomic.Bool
	lost atomic.Int32
}

func (l *lossy) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	err := l.Client.Patch(ctx, obj, patch, opts...)
	if err == nil && l.lose.Load() {
		l.lost.Add(1)
		return io.ErrUnexpectedEOF
	}
	return err
}

// An answer that is lost leaves it open whether the object has a heartbeat. Taking
// that for a takeover would forget what was created.
func TestIntegrationCreationSurvivesLostAnswers(t *testing.T) {
	for name, lostAtEnd := range map[string]bool{"then heartbeats go on": false, "then it is finished": true} {
		t.Run(name, func(t *testing.T) {
			first, _, object := creating(t, fmt.Sprintf("lossy-%t", lostAtEnd))
			connection := &lossy{Client: first.Client}
			first.Client = connection
			creation, err := first.Begin(t.Context(), object("first"))
			if err != nil {
				t.Fatal(err)
			}
			connection.lose.Store(true)
			for connection.lost.Load() == 0 {
				<-time.After(10 * time.Millisecond)
			}
			if lostAtEnd {
				creation.Stop()
			}
			connection.lose.Store(false)
			if !lostAtEnd {
				<-time.After(5 * first.Timing.Heartbeat)
			}
			if err := creation.Finish(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIntegrationUnmark(t *testing.T) {
	first, second, object := creating(t, "unmark")
	creation, err := first.Begin(t.Context(), object("first"))
	if err != nil {
		t.Fatal(err)
	}
	creation.Stop()
	if err := second.Unmark(t.Context(), creation.Object(), "another"); err != nil {
		t.Fatal(err)
	}
	if err := creation.Finish(t.Context()); err != nil {
		t.Errorf("the mark of another creation was removed: %v", err)
	}
	if err := second.Unmark(t.Context(), creation.Object(), creation.Nonce()); err != nil {
		t.Errorf("an object without a mark: %v", err)
	}
}

func TestIntegrationCreationRefused(t *testing.T) {
	first, _, object := creating(t, "refused")
	refused := object("first")
	refused.Data = map[string]string{"not a key": ""}
	if _, err := first.Begin(t.Context(), refused); !apierrors.IsInvalid(err) {
		t.Errorf("error is %v", err)
	}
	dying := object("first")
	dying.Finalizers = []string{"terraform-capi.io/test"}
	if err := first.Create(t.Context(), dying); err != nil {
		t.Fatal(err)
	}
	if err := first.Delete(t.Context(), dying); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Begin(t.Context(), object("first")); !errors.Is(err, management.ErrBeingDeleted) {
		t.Errorf("error is %v", err)
	}
}
