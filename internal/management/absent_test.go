// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management_test

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestIsAbsent(t *testing.T) {
	resource := schema.GroupResource{Group: "cluster.x-k8s.io", Resource: "clusters"}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no error":                {nil, false},
		"no object":               {apierrors.NewNotFound(resource, "demo"), true},
		"kind served no more":     {fmt.Errorf("cannot list: %w", apierrors.NewGenericServerResponse(404, "list", resource, "", "", 0, true)), true},
		"kind never served":       {&meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: resource.Group, Kind: "Cluster"}}, true},
		"somebody else's problem": {errors.New("connection refused"), false},
		"forbidden":               {apierrors.NewForbidden(resource, "demo", nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := management.IsAbsent(test.err); got != test.want {
				t.Errorf("IsAbsent(%v) = %t", test.err, got)
			}
		})
	}
}
