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
	diags := orphansWarning(findings.Orphans)
	if len(findings.Kept) > 0 {
		diags.AddWarning("Clusters without a management cluster", "No management cluster has objects for these containers any more, but their clusters live or may live:\n\n"+
			keptList(findings.Kept)+"\n\nIf they were moved to a management cluster, its Docker provider takes them over when it runs. If nobody needs them, remove them with\n\n"+
			removeKeptCommands(findings.Kept))
	}
	return diags
}

// uid is the UID of a management cluster, as the labels of its clusters' containers have it. It is empty if its API does
// not answer.
func (r *Resource) uid(ctx context.Context, name string) types.UID {
	cluster, err := r.connect(ctx, name)
	if err != nil {
		return ""
	}
	namespace := &corev1.Namespace{}
	if err := cluster.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		return ""
	}
	return namespace.UID
}

// removeOrphans removes what a management cluster, which has just been deleted, left behind: containers of its clusters
// that are dead, and the clusters' network unless somebody else uses it. Clusters that live or may live, as after
// clusterctl move, stay, and are named in a warning. Without the UID nothing says what is left of this management cluster,
// so nothing is removed: others may have had its name.
func (r *Resource) removeOrphans(ctx context.Context, name string, uid types.UID) diag.Diagnostics {
	runtime, err := r.clusters.Runtime(ctx)
	if err != nil {
		return removalWarning(name, err)
	}
	if uid == "" {
		return unknownWarning(ctx, runtime, name)
	}
	findings, err := orphans.Of(ctx, runtime, uid)
	if err != nil {
		return removalWarning(name, err)
	}
	removed, err := orphans.Remove(ctx, runtime, findings.Orphans, orphans.VolumeLabel(uid))
	if len(removed) > 0 {
		tflog.Info(ctx, "removed what the management cluster left behind", map[string]any{"removed": removed})
	}
	diags := removalWarning(name, err)
	if len(findings.Kept) > 0 {
		diags.AddWarning("Clusters kept", fmt.Sprintf("Management cluster %q is deleted. Clusters that it had live or may live, and are kept:\n\n%s\n\n"+
			"If they were moved to another management cluster, its Docker provider takes them over when it runs. If nobody needs them, remove them with\n\n%s",
			name, keptList(findings.Kept), removeKeptCommands(findings.Kept)))
	}
	return diags
}

// unknownWarning says what a management cluster whose UID is not known may have left behind.
func unknownWarning(ctx context.Context, engine orphans.Engine, name string) diag.Diagnostics {
	findings, err := orphans.Find(ctx, engine)
	if err != nil {
		return removalWarning(name, err)
	}
	var lines []string
	for _, cluster := range slices.Concat(findings.Orphans, findings.Kept, findings.Unknown) {
		if cluster.Management.Node == kind.NodeName(name) {
			lines = append(lines, "  "+cluster.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Containers may be left", fmt.Sprintf(
		"Management cluster %q is deleted. Its API did not answer before, so its UID, by which its clusters' containers are known, could not be read, and none were removed. "+
			"These belong to a management cluster of this name:\n\n%s\n\nList what has no management cluster, and how to remove it, with\n\n  %s",
		name, strings.Join(lines, "\n"), orphansCommand()))}
}

func orphansWarning(found []orphans.Cluster) diag.Diagnostics {
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, len(found))
	for i, orphan := range found {
		lines[i] = fmt.Sprintf("  %s (%s)", orphan, orphan.Reason)
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Orphaned clusters", fmt.Sprintf(
		"Nothing manages these containers any more, which take memory, ports and names:\n\n%s\n\n"+
			"If nobody needs them, remove them with\n\n  %s", strings.Join(lines, "\n"), removeCommand()))}
}

func removalWarning(name string, err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Containers may be left", fmt.Sprintf(
		"Management cluster %q is deleted, but not all that it left behind: %s.\n\nOnce the cause is fixed, remove it with\n\n  %s",
		name, trimFullStop(err), removeCommand()))}
}

// keptList names clusters with the reason why they are kept.
func keptList(kept []orphans.Cluster) string {
	lines := make([]string, len(kept))
	for i, cluster := range kept {
		lines[i] = fmt.Sprintf("  %s (%s)", cluster, cluster.Life)
	}
	return strings.Join(lines, "\n")
}

// removeKeptCommands has a command for each cluster: nobody removes clusters that live with one command by mistake.
func removeKeptCommands(kept []orphans.Cluster) string {
	lines := make([]string, len(kept))
	for i, cluster := range kept {
		lines[i] = fmt.Sprintf("  %s --cluster %s/%s --management-cluster-uid %s", removeCommand(), cluster.Namespace, cluster.Name, cluster.Management.UID)
	}
	return strings.Join(lines, "\n")
}

// orphansCommand is this very executable's: Terraform keeps it where nobody would look.
func orphansCommand() string {
	path, err := os.Executable()
	if err != nil {
		path = "terraform-provider-capi"
	}
	return path + " orphans"
}

func removeCommand() string { return orphansCommand() + " --remove" }
