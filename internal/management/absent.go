// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cluster-api/util/contract"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// IsAbsent says whether a request failed because the object does not exist, or
// because nobody serves its kind. The latter comes in two forms: a client that
// never saw the kind finds no match for it, and one that remembers it from before
// its CustomResourceDefinition was deleted is told that the path was not found.
func IsAbsent(err error) bool {
	return apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}

// ProveAbsent returns nil if absent, with which reading an object of the kind
// failed, proves that the object no longer exists where it was recorded. The
// error is ErrUnknown if it proves nothing: the management cluster cannot be
// identified, or does not serve the kind although it has its
// CustomResourceDefinition.
func (c *Cluster) ProveAbsent(ctx context.Context, recorded Identity, kind schema.GroupKind, absent error) error {
	uid, err := c.UID(ctx)
	if err != nil || recorded.UID == "" || uid != recorded.UID {
		return &reasonError{
			reason:  ErrUnknown,
			message: Describe(c.ID) + " does not have the object, but cannot be identified as the one that had it",
			cause:   err,
		}
	}
	if IsObjectNotFound(absent) {
		return nil
	}
	return c.ProveUnserved(ctx, kind, absent)
}

// ProveUnserved returns nil if the management cluster has no
// CustomResourceDefinition of the kind, and so no object. The error is ErrUnknown if
// absent, with which a request failed, is only for the moment.
func (c *Cluster) ProveUnserved(ctx context.Context, kind schema.GroupKind, absent error) error {
	crd := &metav1.PartialObjectMetadata{}
	crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	err := c.Get(ctx, client.ObjectKey{Name: contract.CalculateCRDName(kind.Group, kind.Kind)}, crd)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return &reasonError{reason: ErrUnknown, message: fmt.Sprintf("%s does not serve %s, and does not say why", Describe(c.ID), kind), cause: err}
	}
	return &reasonError{reason: ErrUnknown, message: fmt.Sprintf("%s does not serve %s at the moment", Describe(c.ID), kind), cause: absent}
}

// IsObjectNotFound says whether the object does not exist, as opposed to the path
// of its kind. To who has just seen the object it says that it has gone.
func IsObjectNotFound(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
