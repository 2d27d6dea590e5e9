// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// object names a management cluster in a sentence.
func object(name string) string { return fmt.Sprintf("management cluster %q", name) }

func dockerError(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Docker is not reachable", fmt.Sprintf(
		"A management cluster runs in Docker, and the docker command could not reach an engine: %s.\n\n"+
			"Start Docker, or point DOCKER_HOST or docker context at a running engine.", trimFullStop(err)))
}

// describeError says that the cluster could not be looked at.
func describeError(name string, err error) diag.Diagnostic {
	var stranger *strangerError
	switch {
	case errors.As(err, &stranger):
		return diag.NewErrorDiagnostic(stranger.summary, stranger.detail)
	case errors.Is(err, kind.ErrDockerUnreachable):
		return dockerError(err)
	}
	return diag.NewErrorDiagnostic("KinD failed", fmt.Sprintf("Management cluster %q: %s.", name, trimFullStop(err)))
}

// describeWarning says the same when refreshing, where the last known state does.
func describeWarning(name string, err error) diag.Diagnostic {
	summary := "KinD failed"
	if errors.Is(err, kind.ErrDockerUnreachable) {
		summary = "Docker is not reachable"
	}
	return diag.NewWarningDiagnostic(summary, fmt.Sprintf(
		"Management cluster %q was not refreshed, its last known state is kept: %s.", name, trimFullStop(err)))
}

func createDiagnostic(config kind.Config, err error) diag.Diagnostic {
	var (
		failure  *kind.CreateError
		labelled *kind.LabelledError
		unlike   *kind.UnlikeError
	)
	switch {
	case errors.Is(err, kind.ErrExists):
		return alreadyExists(config.Name)
	case errors.Is(err, kind.ErrBeingCreated):
		return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Being created", fmt.Sprintf(
			"Another apply is creating management cluster %q: %s. Wait until it is done, or choose another name.", config.Name, trimFullStop(err)))
	case errors.As(err, &labelled):
		return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Name in use", fmt.Sprintf(
			"Containers that are not of a KinD cluster carry the label %s=%s, by which KinD finds the nodes of a cluster: %s. "+
				"Cluster API's Docker provider labels the machines of a workload cluster so. Choose another name.",
			kind.Label, labelled.Cluster, strings.Join(labelled.Containers, ", ")))
	case errors.As(err, &unlike):
		return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Already exists", fmt.Sprintf(
			"An apply that was cut off made management cluster %q (%s), from another configuration than this one. Import it with\n\n"+
				"  terraform import %s.NAME %s\n\nor delete it with docker rm -f -v %s, and apply again.",
			unlike.Cluster, strings.Join(unlike.Nodes, ", "), ResourceType, management.KindID(unlike.Cluster), strings.Join(unlike.Nodes, " ")))
	case !errors.As(err, &failure):
		return describeError(config.Name, err)
	}
	detail := fmt.Sprintf("KinD could not create management cluster %q. %s\n\n%s",
		config.Name, cmp.Or(failure.Left, "What was made of it has been deleted again."), failure.Error())
	if failure.NodeLog != "" {
		detail += "\n\nThe end of the node's log:\n\n" + failure.NodeLog
	}
	if failure.Remedy != "" {
		detail += "\n\n" + failure.Remedy
	}
	return diag.NewErrorDiagnostic("Management cluster not created", redact.Text(detail))
}

// remainsWarnings says what became of that which earlier creations had left.
func remainsWarnings(name string, remains []kind.Remains) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, left := range remains {
		if left.Adopted {
			diags.Append(tfkit.TookOver(object(name)))
			continue
		}
		diags.AddWarning("Remains of an interrupted creation removed", fmt.Sprintf(
			"An apply that was cut off had begun to create %s. What it left was removed: %s.", object(name), strings.Join(left.Nodes, ", ")))
	}
	return diags
}

// release ends a creation, after which nothing but the state accounts for the cluster.
func release(ctx context.Context, name string, creation *kind.Creation) diag.Diagnostics {
	err := creation.Release(context.WithoutCancel(ctx))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kind.ErrTakenOver):
		return diag.Diagnostics{tfkit.LostCreation(object(name))}
	default:
		return diag.Diagnostics{diag.NewWarningDiagnostic("Container left behind", fmt.Sprintf(
			"Management cluster %q was made, but the container that reserved its name could not be removed: %s. Remove it with docker rm.", name, trimFullStop(err)))}
	}
}

// statusWarnings says what is wrong with a cluster that exists, and what the next
// apply does about it.
func statusWarnings(status string, description *kind.Description) diag.Diagnostics {
	var detail string
	name := description.Config.Name
	switch {
	case description.Status == kind.StatusIncomplete:
		return diag.Diagnostics{asWarning(lostKubeconfig(name, description))}
	case description.Status == kind.StatusStopped:
		detail = fmt.Sprintf("The node of management cluster %q is stopped. Applying starts it; so does docker start %s.", name, description.Node)
	case description.Status == kind.StatusPaused:
		detail = fmt.Sprintf("The node of management cluster %q is paused. Applying resumes it; so does docker unpause %s.", name, description.Node)
	case status == string(statusUnreachable):
		detail = fmt.Sprintf("The node of management cluster %q runs, but its API does not answer. Applying waits for it. "+
			"docker logs %s may tell why.", name, description.Node)
	default:
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Management cluster does not work", detail)}
}

// lostKubeconfig is about a cluster that worked once, and so may have Clusters.
func lostKubeconfig(name string, description *kind.Description) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Management cluster cannot be asked", fmt.Sprintf(
		"The node of management cluster %q runs, but has no kubeconfig any more (/etc/kubernetes/admin.conf in %s), so that nobody can tell "+
			"which Clusters it has. Restore that file; kubeadm init phase kubeconfig admin makes it. If nobody needs what the cluster managed, "+
			"delete it with\n\n  %s\n\nand that with\n\n  %s", name, description.Node, removeContainers(description.Nodes), removeCommand()))
}

func asWarning(d diag.Diagnostic) diag.Diagnostic {
	return diag.NewWarningDiagnostic(d.Summary(), d.Detail())
}

func notImportable(description *kind.Description) diag.Diagnostic {
	name := description.Config.Name
	remedy := "Start it with docker start " + description.Node
	switch description.Status {
	case kind.StatusPaused:
		remedy = "Resume it with docker unpause " + description.Node
	case kind.StatusIncomplete:
		remedy = "If nobody is creating it, delete it with " + removeContainers(description.Nodes)
	}
	return diag.NewErrorDiagnostic("Management cluster does not run", fmt.Sprintf(
		"KinD cluster %q is %s, so that what it was made from cannot be read. %s.", name, description.Status, remedy))
}

func kubeconfigWarning(summary string, err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("kubeconfig_path"), summary,
		fmt.Sprintf("%s. The management cluster is not affected.", trimFullStop(err)))}
}

// onlyInUse keeps the errors of opening a port that Docker would meet as well.
// Docker may well open a port that this process has no permission for.
func onlyInUse(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return err
	}
	return nil
}

func trimFullStop(err error) string { return strings.TrimRight(redact.Text(err.Error()), ".\n ") }
