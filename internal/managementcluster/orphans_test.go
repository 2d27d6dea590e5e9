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

// engineClusters have an engine and nothing else.
type engineClusters struct {
	Clusters
	runtime container.Runtime
	err     error
}

func (c engineClusters) Runtime(context.Context) (container.Runtime, error) { return c.runtime, c.err }

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
		"none": {engineClusters{runtime: container.NewFake()}, nil},
		"some": {engineClusters{runtime: engine}, diag.Diagnostics{diag.NewWarningDiagnostic("Orphaned clusters", fmt.Sprintf(`Management clusters that do not exist any more left containers behind, which take memory, ports and names:

  cluster default/test of management cluster gone-uid on gone-control-plane: test-1, test-2

If nobody needs them, remove them with

  %s orphans --remove`, executable))}},
		"no engine":                   {engineClusters{err: errors.New("no engine")}, nil},
		"an engine that does not say": {engineClusters{runtime: broken}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, (&Resource{clusters: test.clusters}).warnOfOrphans(t.Context())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without its UID a management cluster is known by its node, if it does not exist any more.
func TestRemoveOrphansWithoutUID(t *testing.T) {
	engine := engineWith(t, map[string]string{"ours": "mgmt", "theirs": "other"})
	if diags := (&Resource{clusters: engineClusters{runtime: engine}}).removeOrphans(t.Context(), "mgmt", ""); diags != nil {
		t.Error(diags)
	}
	left, err := engine.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Name != "theirs" {
		t.Errorf("left are %v", left)
	}
}

func TestRemovalWarning(t *testing.T) {
	broken := &Resource{clusters: engineClusters{err: errors.New("no engine")}}
	got := broken.removeOrphans(t.Context(), "mgmt", "")
	want := diag.Diagnostics{diag.NewWarningDiagnostic("Containers may be left",
		"Management cluster \"mgmt\" is deleted, but not all that it left behind: no engine.\n\n"+
			"Once that is mended, remove it with\n\n  "+removeCommand())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
