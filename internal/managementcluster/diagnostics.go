// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

func dockerError(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Docker is not reachable", fmt.Sprintf(
		"A management cluster runs in Docker, and the docker command could not reach an engine: %s.\n\n"+
			"Start Docker, or point DOCKER_HOST or docker context at a running engine.", trimFullStop(err)))
}

// describeError says that the cluster could not be looked at.
func describeError(name string, err error) diag.Diagnostic {
	if errors.Is(err, kind.ErrDockerUnreachable) {
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
	var failure *kind.CreateError
	switch {
	case errors.Is(err, kind.ErrExists):
		return alreadyExists(config.Name)
	case !errors.As(err, &failure):
		return describeError(config.Name, err)
	}
	detail := fmt.Sprintf("KinD could not create management cluster %q; what was made of it has been deleted again.\n\n%s",
		config.Name, failure.Error())
	if failure.NodeLog != "" {
		detail += "\n\nThe end of the node's log:\n\n" + failure.NodeLog
	}
	if failure.Remedy != "" {
		detail += "\n\n" + failure.Remedy
	}
	return diag.NewErrorDiagnostic("Management cluster not created", detail)
}

// statusWarnings says what is wrong with a cluster that exists, and what the next
// apply does about it.
func statusWarnings(m model) diag.Diagnostics {
	var detail string
	name := m.Name.ValueString()
	switch kind.Status(m.Status.ValueString()) {
	case kind.StatusStopped:
		detail = fmt.Sprintf("The node of management cluster %q is stopped. Applying starts it; so does docker start %s-control-plane.", name, name)
	case statusUnreachable:
		detail = fmt.Sprintf("The node of management cluster %q runs, but its API does not answer. Applying waits for it. "+
			"docker logs %s-control-plane may tell why.", name, name)
	case kind.StatusIncomplete:
		detail = fmt.Sprintf("Management cluster %q exists but never came to work: it has no kubeconfig. Applying replaces it.", name)
	default:
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Management cluster does not work", detail)}
}

func notImportable(description *kind.Description) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Management cluster does not run", fmt.Sprintf(
		"KinD cluster %q is %s, so that what it was made from cannot be read. Start it (docker start %s), or delete it if it never worked.",
		description.Config.Name, description.Status, description.Node))
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

func trimFullStop(err error) string { return strings.TrimRight(err.Error(), ".\n ") }
