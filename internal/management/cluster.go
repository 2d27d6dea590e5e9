// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// FieldManager is the name under which all server-side applies are made. It
// must never change: objects remember it as the owner of their fields.
const FieldManager = "terraform-provider-capi"

const (
	// unlimited leaves it to the API server to be fair to its clients, as kubectl
	// does: client-go's own limit would make a plan over a hundred clusters take
	// minutes.
	unlimited = -1
	// requestTimeout is how long a request may take. API servers end theirs after
	// a minute (--request-timeout, Kubernetes 1.36), so that one that takes longer
	// does not answer any more.
	requestTimeout = 75 * time.Second
)

// Cluster is a management cluster that answered. Its client knows Scheme.
type Cluster struct {
	// ID is the id that the cluster was asked for by; empty for the
	// connection of the provider block.
	ID string
	// RESTConfig holds the connection and its credentials, for requests that
	// may last. Copy before changing it.
	RESTConfig *rest.Config
	client.Client
	// Timing is that of creations.
	Timing CreationTiming

	mu  sync.Mutex
	uid types.UID
}

// NewCluster connects to the API that config describes. It makes one request
// to see whether somebody answers; an error for which errors.Is says
// ErrUnreachable means that nobody does, and ErrRejected that credentials or certificate
// have to be corrected.
func NewCluster(ctx context.Context, id string, config *rest.Config) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = unlimited
	config.UserAgent = FieldManager
	if err := probe(ctx, config); err != nil {
		return nil, connectionError(id, config, err)
	}
	bounded := rest.CopyConfig(config)
	bounded.Timeout = requestTimeout
	c, err := client.New(bounded, client.Options{Scheme: Scheme})
	if err != nil {
		return nil, fmt.Errorf("cannot make a client for %s: %w", Describe(id), err)
	}
	return &Cluster{ID: id, RESTConfig: config, Client: c, Timing: DefaultCreationTiming}, nil
}

// Served is a kind in the version that the management cluster prefers, whatever that is. The error is NoKindMatch if it serves
// none, which may be for the moment only.
func (c *Cluster) Served(group, kind string) (schema.GroupVersionKind, error) {
	mapping, err := c.RESTMapper().RESTMapping(schema.GroupKind{Group: group, Kind: kind})
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return mapping.GroupVersionKind, nil
}

// Apply makes the object as desired by server-side apply: it is created if it
// does not exist, and of one that exists only the fields that obj sets are
// changed, taken over from other managers if need be. Fields that an earlier
// Apply set and obj does not are removed. On return obj is what the server has.
//
// obj may be typed or unstructured. Its status, and the metadata that only servers
// write, are left out: they are not to be owned.
func (c *Cluster) Apply(ctx context.Context, obj client.Object, opts ...client.ApplyOption) error {
	return c.ApplyTo(ctx, obj, "", opts...)
}

// ApplyTo is Apply to the object with this UID: it fails with a conflict if there is
// none of that name, or another one.
func (c *Cluster) ApplyTo(ctx context.Context, obj client.Object, uid types.UID, opts ...client.ApplyOption) error {
	desired, err := c.desired(obj)
	if err != nil {
		return err
	}
	desired.SetUID(uid)
	opts = append([]client.ApplyOption{client.ForceOwnership, client.FieldOwner(FieldManager)}, opts...)
	if err := c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), opts...); err != nil {
		return applyError(desired, err)
	}
	return convert(desired, obj)
}

func applyError(desired *unstructured.Unstructured, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot apply %s %s: %w", desired.GetKind(), client.ObjectKeyFromObject(desired), err)
}

// convert sets obj to what the server has.
func convert(answer *unstructured.Unstructured, obj client.Object) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		u.Object = answer.Object
		return nil
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, obj)
}

func (c *Cluster) desired(obj client.Object) (*unstructured.Unstructured, error) {
	gvk, err := apiutil.GVKForObject(obj, c.Scheme())
	if err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("cannot convert %s %s: %w", gvk.Kind, client.ObjectKeyFromObject(obj), err)
	}
	desired := (&unstructured.Unstructured{Object: content}).DeepCopy()
	desired.SetGroupVersionKind(gvk)
	unstructured.RemoveNestedField(desired.Object, "status")
	for _, field := range []string{"creationTimestamp", "managedFields", "resourceVersion", "uid", "generation"} {
		unstructured.RemoveNestedField(desired.Object, "metadata", field)
	}
	return desired, nil
}

// Describe names the management cluster with the given id in a sentence.
func Describe(id string) string {
	if id == "" {
		return "the management cluster of the provider block"
	}
	return fmt.Sprintf("management cluster %q", id)
}

// IsConnectionError says whether a request failed because nobody answered, as
// opposed to an answer that was no.
func IsConnectionError(err error) bool {
	var netError net.Error
	return errors.Is(err, ErrUnreachable) ||
		errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) ||
		errors.As(err, &netError) && !isErrno(netError)
}

// isErrno says whether an error is the operating system's own, which has the methods of a
// net.Error even if it is about a file. Those about connections are inside of others.
func isErrno(err net.Error) bool {
	_, is := err.(syscall.Errno)
	return is
}
