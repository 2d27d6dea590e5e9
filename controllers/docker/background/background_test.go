// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package background

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func object(name string) client.Object {
	return &infrav1.DockerMachine{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name)}}
}

func newJobs(t *testing.T) *Jobs {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return NewJobs(ctx)
}

func await(t *testing.T, jobs *Jobs) client.Object {
	t.Helper()
	select {
	case event := <-jobs.Events():
		return event.Object
	case <-time.After(5 * time.Second):
		t.Fatal("No event.")
		return nil
	}
}

func TestJob(t *testing.T) {
	g := NewWithT(t)
	jobs := newJobs(t)
	proceed, runs := make(chan struct{}), 0
	run := func() Status {
		return jobs.Run(context.Background(), object("a"), "job", time.Minute, func(_ context.Context, report func(string)) error {
			runs++
			report("half")
			<-proceed
			return errors.New("broken")
		})
	}
	g.Expect(run()).To(Equal(Status{}))
	g.Expect(await(t, jobs).GetName()).To(Equal("a"))
	g.Expect(run()).To(Equal(Status{Progress: "half"}), "it runs once at a time")
	close(proceed)
	await(t, jobs)
	status := run()
	g.Expect(status.Done).To(BeTrue())
	g.Expect(status.Err).To(MatchError("broken"))
	g.Expect(runs).To(Equal(1))

	status = run()
	g.Expect(status.Done).To(BeFalse(), "the job runs again")
	g.Expect(status.Failure).To(MatchError("broken"), "and does not hide what is wrong")
	await(t, jobs)
	await(t, jobs)
	g.Expect(runs).To(Equal(2))
	jobs.Cancel(object("a"), "job")
	g.Expect(run()).To(Equal(Status{}))
}

func TestForget(t *testing.T) {
	g := NewWithT(t)
	jobs := newJobs(t)
	ended := make(chan error, 2)
	block := func(ctx context.Context, _ func(string)) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	jobs.Run(context.Background(), object("a"), "one", time.Minute, block)
	jobs.Run(context.Background(), object("a"), "two", time.Minute, block)
	jobs.Cancel(object("a"), "one")
	g.Eventually(ended).Should(Receive(MatchError(context.Canceled)))
	g.Consistently(ended).WithTimeout(50 * time.Millisecond).ShouldNot(Receive())
	jobs.Cancel(object("a"))
	g.Eventually(ended).Should(Receive(MatchError(context.Canceled)))
	g.Consistently(jobs.Events()).WithTimeout(50*time.Millisecond).ShouldNot(Receive(), "nobody asked for it any more")
}

func TestTimeout(t *testing.T) {
	jobs := newJobs(t)
	block := func(ctx context.Context, _ func(string)) error { <-ctx.Done(); return ctx.Err() }
	jobs.Run(context.Background(), object("a"), "job", time.Millisecond, block)
	await(t, jobs)
	status := jobs.Run(context.Background(), object("a"), "job", time.Millisecond, block)
	NewWithT(t).Expect(status.Err).To(MatchError(context.DeadlineExceeded))
}

func TestWatch(t *testing.T) {
	g := NewWithT(t)
	jobs := newJobs(t)
	engine := container.NewFake("image")
	watch := &Watch{Engine: engine, Jobs: jobs, Find: func(_ context.Context, event container.Event) []client.Object {
		return []client.Object{object(event.Action + " " + event.Name)}
	}, All: func(context.Context) ([]client.Object, error) { return []client.Object{object("everything")}, nil }}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- watch.Start(ctx) }()
	g.Expect(await(t, jobs).GetName()).To(Equal("everything"), "nothing tells what happened before")

	g.Expect(engine.Create(ctx, container.Spec{Name: "mine", Image: "image", Labels: map[string]string{identity.MachineLabel: "m"}})).To(Succeed())
	g.Expect(engine.Create(ctx, container.Spec{Name: "other", Image: "image"})).To(Succeed())
	g.Expect(engine.Start(ctx, "other")).To(Succeed())
	g.Expect(engine.Start(ctx, "mine")).To(Succeed())
	g.Expect(await(t, jobs).GetName()).To(Equal("start mine"), "others and other events do not matter")
	engine.Pause("mine")
	g.Expect(await(t, jobs).GetName()).To(Equal("pause mine"))
	engine.Unpause("mine")
	g.Expect(await(t, jobs).GetName()).To(Equal("unpause mine"))
	engine.Stop("mine")
	g.Expect(await(t, jobs).GetName()).To(Equal("die mine"))

	cancel()
	g.Eventually(stopped).Should(Receive(BeNil()))
}

// Everything is reconciled when the engine goes away, to say so, and when it is back, to make up for what nothing told.
func TestWatchWakesEverything(t *testing.T) {
	g := NewWithT(t)
	jobs := newJobs(t)
	engine := container.NewFake()
	watch := &Watch{
		Engine: container.Bound(engine, container.Limits{
			Question: time.Minute, Change: time.Minute, Patience: 20 * time.Millisecond, Ping: time.Second, Retry: time.Millisecond,
		}),
		Jobs: jobs,
		Find: func(context.Context, container.Event) []client.Object { return nil },
		All:  func(context.Context) ([]client.Object, error) { return []client.Object{object("everything")}, nil },
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- watch.Start(ctx) }()
	for _, happens := range []func(){func() {}, engine.Stall, engine.Resume} {
		happens()
		g.Eventually(jobs.Events()).WithTimeout(time.Minute).Should(Receive(HaveField("Object.GetName()", "everything")))
	}
	g.Consistently(jobs.Events()).WithTimeout(100 * time.Millisecond).ShouldNot(Receive())
	cancel()
	g.Eventually(stopped).Should(Receive(BeNil()))
}
