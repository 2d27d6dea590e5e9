// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management_test

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestIntegrationReconnect(t *testing.T) {
	const id = "kind://mgmt"
	here := acctest.Engine{ID: "here", Kubeconfigs: map[string]string{"mgmt": acctest.NeedAPIServer(t).Kubeconfig}}
	recorded, err := management.NewResolver(nil, here).Identify(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if recorded.UID == "" || recorded.KinD == nil || recorded.KinD.Engine != "here" {
		t.Fatalf("the identity is %+v", recorded)
	}
	another := recorded
	another.UID = "another"
	for name, test := range map[string]struct {
		engine   acctest.Engine
		recorded management.Identity
		reason   error // nil if it connects
		text     string
	}{
		"the same":            {here, recorded, nil, ""},
		"being imported":      {here, management.Identity{}, nil, ""},
		"another cluster":     {here, another, management.ErrAnother, `UID another; the one that answers now at https://127.0.0.1`},
		"gone":                {acctest.Engine{ID: "here"}, recorded, management.ErrGone, `there is no KinD cluster "mgmt"`},
		"another engine":      {acctest.Engine{ID: "there"}, recorded, management.ErrAnother, `Docker engine with id here; the engine that answers now has id there`},
		"no engine":           {acctest.Engine{}, recorded, management.ErrUnreachable, `cannot find out whether management cluster "kind://mgmt" exists`},
		"nothing is recorded": {acctest.Engine{ID: "here"}, management.Identity{}, management.ErrNotFound, `there is no KinD cluster "mgmt"`},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := management.NewResolver(nil, test.engine).Reconnect(t.Context(), id, test.recorded)
			if test.reason == nil {
				if err != nil || cluster == nil {
					t.Errorf("error is %v", err)
				}
				return
			}
			if !errors.Is(err, test.reason) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %v with %q", err, test.reason, test.text)
			}
			if errors.Is(err, management.ErrGone) != (test.reason == management.ErrGone) { //nolint:errorlint // Which of the sentinels it is.
				t.Errorf("%v counts as gone", err)
			}
		})
	}
}

func TestIntegrationProveAbsent(t *testing.T) {
	cluster := acctest.NeedAPIServer(t).Cluster
	uid, err := cluster.UID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind).GroupKind()
	unserved := schema.GroupKind{Group: "infrastructure.cluster.x-k8s.io", Kind: "NoSuchCluster"}
	resource := schema.GroupResource{Group: served.Group, Resource: "clusters"}
	noObject := apierrors.NewNotFound(resource, "web")
	noPath := apierrors.NewGenericServerResponse(404, "get", resource, "web", "404 page not found", 0, true)
	noMatch := &meta.NoKindMatchError{GroupKind: served}
	for name, test := range map[string]struct {
		recorded management.Identity
		kind     schema.GroupKind
		absent   error
		proven   bool
	}{
		"the object is not there":               {management.Identity{UID: uid}, served, noObject, true},
		"the kind's definition is gone":         {management.Identity{UID: uid}, unserved, &meta.NoKindMatchError{GroupKind: unserved}, true},
		"the path is not served for now":        {management.Identity{UID: uid}, served, noPath, false},
		"discovery leaves the kind out for now": {management.Identity{UID: uid}, served, noMatch, false},
		"another cluster":                       {management.Identity{UID: "another"}, served, noObject, false},
		"nothing is recorded":                   {management.Identity{}, served, noObject, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := cluster.ProveAbsent(t.Context(), test.recorded, test.kind, test.absent)
			if (err == nil) != test.proven || err != nil && !errors.Is(err, management.ErrUnknown) {
				t.Errorf("error is %v", err)
			}
		})
	}
}
