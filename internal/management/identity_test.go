// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// engine is a Docker engine whose KinD clusters all have the test's API server.
type engine struct {
	id         string
	kubeconfig string
	clusters   []string
}

func (e *engine) Engine(context.Context) (kind.Engine, error) {
	if e.id == "" {
		return kind.Engine{}, kind.ErrDockerUnreachable
	}
	return kind.Engine{ID: e.id}, nil
}

func (e *engine) Identity(_ context.Context, name string) (kind.Identity, error) {
	return kind.Identity{Engine: e.id, Nodes: []string{name}}, nil
}

func (e *engine) KubeConfig(_ context.Context, name string) (string, error) {
	for _, cluster := range e.clusters {
		if cluster == name {
			return e.kubeconfig, nil
		}
	}
	return "", fmt.Errorf("%w: %q", kind.ErrNotFound, name)
}

func TestIntegrationReconnect(t *testing.T) {
	kubeconfig := acctest.NeedAPIServer(t).Kubeconfig
	const id = "kind://mgmt"
	here := &engine{id: "here", kubeconfig: kubeconfig, clusters: []string{"mgmt"}}
	recorded, err := management.NewResolver(management.Connection{}, here).Identify(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if recorded.UID == "" || recorded.KinD == nil || recorded.KinD.Engine != "here" {
		t.Fatalf("the identity is %+v", recorded)
	}
	another := recorded
	another.UID = "another"
	for name, test := range map[string]struct {
		engine   *engine
		recorded management.Identity
		reason   error // nil if it connects
		text     string
	}{
		"the same":            {here, recorded, nil, ""},
		"being imported":      {here, management.Identity{}, nil, ""},
		"another cluster":     {here, another, management.ErrAnother, `UID another; the one that answers now at https://127.0.0.1`},
		"gone":                {&engine{id: "here"}, recorded, management.ErrGone, `there is no KinD cluster "mgmt"`},
		"another engine":      {&engine{id: "there"}, recorded, management.ErrAnother, `Docker engine with id here; the engine that answers now has id there`},
		"no engine":           {&engine{}, recorded, management.ErrUnreachable, `cannot find out whether management cluster "kind://mgmt" exists`},
		"nothing is recorded": {&engine{id: "here"}, management.Identity{}, management.ErrNotFound, `there is no KinD cluster "mgmt"`},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := management.NewResolver(management.Connection{}, test.engine).Reconnect(t.Context(), id, test.recorded)
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
