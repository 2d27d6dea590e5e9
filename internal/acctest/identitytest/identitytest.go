// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identitytest holds resources to the rules about identities: an id leads to
// exactly one thing, state is forgotten only if that thing is proven to be gone, and
// nothing else is changed or deleted.
package identitytest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Subject is a resource whose object lives in the management cluster
// acctest.KindName.
type Subject struct {
	// Provider has the resource. The tests set its Resolver.
	Provider acctest.Provider
	// Type is the resource's.
	Type string
	// Config of the resource, and what changes in an update.
	Config, Change map[string]any
	// Object is the one that the resource is about, by kind, namespace and name.
	Object client.Object
	// Reads says that the object is not the resource's own: it is read only.
	Reads bool
	// Renames says that the name is for the configuration to choose.
	Renames bool
	// Prepare makes what the object needs. It may be nil.
	Prepare func(t *testing.T, env *acctest.Environment)
}

// workspace is a state of the resource, which some session works on.
type workspace struct {
	Subject
	t        *testing.T
	env      *acctest.Environment
	protocol *acctest.Protocol
}

func (s Subject) open(t *testing.T, engine acctest.Engine) workspace {
	t.Helper()
	env := acctest.NeedAPIServer(t)
	resolver := management.NewResolver(nil, engine)
	resolver.Timing = timing
	s.Provider.Resolver = resolver
	return workspace{Subject: s, t: t, env: env, protocol: s.Provider.Protocol(t)}
}

func (w workspace) plan(change map[string]any, prior acctest.Object) acctest.Change {
	w.t.Helper()
	content := maps.Clone(w.Config)
	maps.Copy(content, change)
	return w.protocol.Plan(w.t, w.Type, acctest.Value(w.t, w.protocol.Type(w.Type), content), prior)
}

func (w workspace) apply(change acctest.Change) (acctest.Object, []*tfprotov6.Diagnostic) {
	w.t.Helper()
	if acctest.Errors(change.Diagnostics) > 0 {
		return acctest.Object{}, change.Diagnostics
	}
	return w.protocol.Apply(w.t, w.Type, change)
}

// create makes the resource, which must succeed.
func (w workspace) create() acctest.Object {
	w.t.Helper()
	created, diagnostics := w.apply(w.plan(nil, acctest.Object{}))
	w.need("create", diagnostics)
	return created
}

func (w workspace) read(object acctest.Object) (acctest.Object, []*tfprotov6.Diagnostic) {
	w.t.Helper()
	return w.protocol.Read(w.t.Context(), w.t, w.Type, object)
}

// destroy destroys without a refresh.
func (w workspace) destroy(object acctest.Object) (acctest.Object, []*tfprotov6.Diagnostic) {
	w.t.Helper()
	change := w.protocol.PlanDestroy(w.t, w.Type, object)
	if acctest.Errors(change.Diagnostics) > 0 {
		return object, change.Diagnostics
	}
	return w.apply(change)
}

// need fails the test unless the diagnostics are those wanted, by severity and
// summary. A star at the end of a summary stands for the rest.
func (w workspace) need(doing string, diagnostics []*tfprotov6.Diagnostic, want ...string) {
	w.t.Helper()
	if !slices.EqualFunc(acctest.Summaries(diagnostics), want, func(got, want string) bool {
		prefix, isPrefix := strings.CutSuffix(want, "*")
		return got == want || isPrefix && strings.HasPrefix(got, prefix)
	}) {
		w.t.Errorf("%s: diagnostics are %q, want %q", doing, acctest.Summaries(diagnostics), want)
		for _, d := range diagnostics {
			w.t.Log(d.Summary + ": " + d.Detail)
		}
	}
}

// live is the object, nil if there is none.
func (w workspace) live() *unstructured.Unstructured {
	w.t.Helper()
	gvk, err := apiutil.GVKForObject(w.Object, management.Scheme)
	if err != nil {
		w.t.Fatal(err)
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(gvk)
	err = w.env.Cluster.Get(context.WithoutCancel(w.t.Context()), client.ObjectKeyFromObject(w.Object), live)
	if management.IsAbsent(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return live
}

func (w workspace) uid() types.UID {
	w.t.Helper()
	if live := w.live(); live != nil {
		return live.GetUID()
	}
	return ""
}

// remove deletes the object behind Terraform's back, and waits until it is gone.
func (w workspace) remove() {
	w.t.Helper()
	live := w.live()
	if live == nil {
		return
	}
	ctx := context.WithoutCancel(w.t.Context())
	if err := w.env.Cluster.Delete(ctx, live); client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	isGone := func(context.Context) (bool, error) { return w.live() == nil, nil } //nolint:contextcheck // It has the test's.
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, isGone)
	if err != nil {
		w.t.Fatal("the object is not gone")
	}
}

// recreate makes the object again, as somebody would by hand.
func (w workspace) recreate() {
	w.t.Helper()
	again := w.live()
	w.remove()
	again.SetUID("")
	again.SetResourceVersion("")
	again.SetManagedFields(nil)
	again.SetFinalizers(nil)
	if err := w.env.Cluster.Create(w.t.Context(), again); err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
}
