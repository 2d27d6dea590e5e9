// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// resultFile is where a node leaves the outcome of its bootstrap.
const resultFile = "/usr/local/lib/terraform-capi/result"

// engineClusters have an engine and nothing else.
type engineClusters struct {
	Clusters
	engine *container.Fake
	err    error
}

func (c engineClusters) Runtime(context.Context) (*container.Bounded, error) {
	return container.Bound(c.engine, container.DefaultLimits), c.err
}

// engineWith has containers, by name, that the KinD clusters of these names left behind.
func engineWith(t *testing.T, left map[string]string) *container.Fake {
	t.Helper()
	engine := container.NewFake(DefaultNodeImage)
	for name, management := range left {
		owner := identity.Owner{
			Management: identity.Management{UID: types.UID(management + "-uid"), Node: kind.NodeName(management)},
			Namespace:  "default", Cluster: "test", Machine: name, Role: identity.RoleWorker,
		}
		if err := engine.Create(t.Context(), container.Spec{Name: name, Image: DefaultNodeImage, Labels: owner.Labels()}); err != nil {
			t.Fatal(err)
		}
	}
	return engine
}

func TestWarnOfOrphans(t *testing.T) {
	engine := engineWith(t, map[string]string{"test-1": "gone", "test-2": "gone"})
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	broken := container.NewFake()
	broken.BeforeCall = func(context.Context, string, string) error { return container.ErrUnavailable }
	for name, test := range map[string]struct {
		clusters engineClusters
		want     diag.Diagnostics
	}{
		"none": {engineClusters{engine: container.NewFake()}, nil},
		"some": {engineClusters{engine: engine}, diag.Diagnostics{diag.NewWarningDiagnostic("Orphaned clusters", fmt.Sprintf(`Nothing manages these containers any more, which take memory, ports and names:

  cluster default/test of management cluster gone-uid on gone-control-plane: test-1, test-2 (management cluster gone)

If nobody needs them, remove them with

  %s orphans --remove`, executable))}},
		"no engine":                   {engineClusters{err: errors.New("no engine")}, nil},
		"an engine that does not say": {engineClusters{engine: broken}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, (&Resource{clusters: test.clusters}).warnOfOrphans(t.Context())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What lives is not warned of as an orphan.
func TestWarnOfKeptClusters(t *testing.T) {
	engine := engineWith(t, map[string]string{"test-1": "gone"})
	engine.WriteFile("test-1", resultFile, []byte("exit=0\ncommand=\n\n"))
	want := diag.Diagnostics{diag.NewWarningDiagnostic("Clusters without a management cluster",
		`No management cluster has objects for these containers any more, but their clusters live or may live:

  cluster default/test of management cluster gone-uid on gone-control-plane: test-1 (no control plane answers, but nodes were set up: test-1)

If they were moved to a management cluster, its Docker provider takes them over when it runs. If nobody needs them, remove them with

  `+removeCommand()+` --cluster default/test --management-cluster-uid gone-uid`)}
	if diff := cmp.Diff(want, (&Resource{clusters: engineClusters{engine: engine}}).warnOfOrphans(t.Context())); diff != "" {
		t.Error(diff)
	}
}

// Another management cluster may have had the name, so without the UID nothing is known to be this one's.
func TestRemoveOrphansWithoutUID(t *testing.T) {
	engine := engineWith(t, map[string]string{"ours": "mgmt", "theirs": "other"})
	got := (&Resource{clusters: engineClusters{engine: engine}}).removeOrphans(t.Context(), "mgmt", "")
	want := diag.Diagnostics{diag.NewWarningDiagnostic("Containers may be left",
		`Management cluster "mgmt" is deleted. Its API did not answer before, so its UID, by which its clusters' containers are known, could not be read, and none were removed. These belong to a management cluster of this name:

  cluster default/test of management cluster mgmt-uid on mgmt-control-plane: ours

List what has no management cluster, and how to remove it, with

  `+orphansCommand())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	expectLeft(t, engine, "ours", "theirs")

	nothing := engineWith(t, map[string]string{"theirs": "other"})
	if diags := (&Resource{clusters: engineClusters{engine: nothing}}).removeOrphans(t.Context(), "mgmt", ""); diags != nil {
		t.Error(diags)
	}
}

// A cluster that lives, as after clusterctl move, is not removed with the management cluster that it comes from.
func TestRemoveOrphansKeepsWhatLives(t *testing.T) {
	engine := engineWith(t, map[string]string{"lives": "mgmt", "theirs": "other"})
	engine.WriteFile("lives", resultFile, []byte("exit=0\ncommand=\n\n"))
	got := (&Resource{clusters: engineClusters{engine: engine}}).removeOrphans(t.Context(), "mgmt", "mgmt-uid")
	want := diag.Diagnostics{diag.NewWarningDiagnostic("Clusters kept",
		`Management cluster "mgmt" is deleted. Clusters that it had live or may live, and are kept:

  cluster default/test of management cluster mgmt-uid on mgmt-control-plane: lives (no control plane answers, but nodes were set up: lives)

If they were moved to another management cluster, its Docker provider takes them over when it runs. If nobody needs them, remove them with

  `+removeCommand()+` --cluster default/test --management-cluster-uid mgmt-uid`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	expectLeft(t, engine, "lives", "theirs")

	dead := engineWith(t, map[string]string{"dead": "mgmt", "theirs": "other"})
	if diags := (&Resource{clusters: engineClusters{engine: dead}}).removeOrphans(t.Context(), "mgmt", "mgmt-uid"); diags != nil {
		t.Error(diags)
	}
	expectLeft(t, dead, "theirs")
}

// expectLeft checks the names of all containers.
func expectLeft(t *testing.T, engine *container.Fake, want ...string) {
	t.Helper()
	left, err := engine.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range left {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestRemovalWarning(t *testing.T) {
	broken := &Resource{clusters: engineClusters{err: errors.New("no engine")}}
	got := broken.removeOrphans(t.Context(), "mgmt", "")
	want := diag.Diagnostics{diag.NewWarningDiagnostic("Containers may be left",
		"Management cluster \"mgmt\" is deleted, but not all that it left behind: no engine.\n\n"+
			"Once the cause is fixed, remove it with\n\n  "+removeCommand())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
