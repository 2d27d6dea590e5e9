// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/orphans"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// lookTimeout bounds the search for orphans before a creation, which has better things to do.
const lookTimeout = 30 * time.Second

// warnOfOrphans looks for what other management clusters left behind. Not being able to look is not worth a warning: a
// creation that needs the same engine follows.
func (r *Resource) warnOfOrphans(ctx context.Context) diag.Diagnostics {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var findings orphans.Findings
	runtime, err := r.clusters.Runtime(ctx)
	if err == nil {
		findings, err = orphans.Find(ctx, runtime)
	}
	if err != nil {
		tflog.Warn(ctx, "cannot look for orphans", map[string]any{"error": err.Error()})
	}
	return orphansWarning(findings.Orphans)
}

// uid is the UID of a management cluster, as the labels of its clusters' containers have it. It is empty if its API does
// not answer.
func (r *Resource) uid(ctx context.Context, name string) types.UID {
	cluster, err := r.session.Connect(ctx, management.KindID(name))
	if err != nil {
		return ""
	}
	namespace := &corev1.Namespace{}
	if err := cluster.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		return ""
	}
	return namespace.UID
}

// removeOrphans removes what a management cluster, which has just been deleted, left behind: containers of its clusters,
// and the clusters' network unless somebody else uses it. Uid is empty if it could not be read.
func (r *Resource) removeOrphans(ctx context.Context, name string, uid types.UID) diag.Diagnostics {
	var left []orphans.Orphan
	runtime, err := r.clusters.Runtime(ctx)
	if err == nil {
		left, err = orphansOf(ctx, runtime, name, uid)
	}
	if err != nil {
		return removalWarning(name, err)
	}
	removed, err := orphans.Remove(ctx, runtime, left)
	if len(removed) > 0 {
		tflog.Info(ctx, "removed what the management cluster left behind", map[string]any{"removed": removed})
	}
	return removalWarning(name, err)
}

// orphansOf falls back on the name of the node, for a management cluster whose UID is not known. Earlier clusters may have
// had that name; they are gone as well.
func orphansOf(ctx context.Context, runtime container.Runtime, name string, uid types.UID) ([]orphans.Orphan, error) {
	if uid != "" {
		return orphans.Of(ctx, runtime, uid)
	}
	findings, err := orphans.Find(ctx, runtime)
	return slices.DeleteFunc(findings.Orphans, func(o orphans.Orphan) bool { return o.Management.Node != kind.NodeName(name) }), err
}

func orphansWarning(found []orphans.Orphan) diag.Diagnostics {
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, len(found))
	for i, orphan := range found {
		lines[i] = "  " + orphan.String()
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Orphaned clusters", fmt.Sprintf(
		"Management clusters that do not exist any more left containers behind, which take memory, ports and names:\n\n%s\n\n"+
			"If nobody needs them, remove them with\n\n  %s", strings.Join(lines, "\n"), removeCommand()))}
}

func removalWarning(name string, err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Containers may be left", fmt.Sprintf(
		"Management cluster %q is deleted, but not all that it left behind: %s.\n\nOnce that is mended, remove it with\n\n  %s",
		name, trimFullStop(err), removeCommand()))}
}

// removeCommand is this very executable's: Terraform keeps it where nobody would look.
func removeCommand() string {
	path, err := os.Executable()
	if err != nil {
		path = "terraform-provider-capi"
	}
	return path + " orphans --remove"
}
