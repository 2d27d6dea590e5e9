// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// IsAbsent says whether a request failed because the object does not exist, or
// because nobody serves its kind. The latter comes in two forms: a client that
// never saw the kind finds no match for it, and one that remembers it from before
// its CustomResourceDefinition was deleted is told that the path was not found.
func IsAbsent(err error) bool {
	return apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}
