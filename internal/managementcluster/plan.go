// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ModifyPlan checks before a creation what can be known beforehand, and plans the
// repair of a cluster that does not run.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		// A replacement is planned as a creation, with no state but with the record. What a
		// cluster occupies is then in use by the one that goes.
		recorded, diags := tfkit.ReadRecord[management.Identity](ctx, req.Private)
		resp.Diagnostics.Append(diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		if name := plan.Name.ValueString(); name != "" && !r.session.Claim(session.Plan, ResourceType, management.KindID(name)) {
			resp.Diagnostics.Append(tfkit.CreatedTwice(path.Root("name"), object(name)))
		} else if recorded.KinD == nil {
			resp.Diagnostics.Append(r.checkCreation(ctx, plan)...)
		}
		return
	}
	var status types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("status"), &status)...)
	if status.ValueString() != string(kind.StatusRunning) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("status"), types.StringUnknown())...)
	}
}

// checkCreation finds out what would make the creation fail.
func (r *Resource) checkCreation(ctx context.Context, plan model) diag.Diagnostics {
	var diags diag.Diagnostics
	engine, err := r.clusters.Engine(ctx)
	if err != nil {
		diags.Append(dockerError(err))
		return diags
	}
	if warning := kind.LimitWarning(); warning != "" {
		diags.AddWarning("Too few inotify instances", warning)
	}
	if warning := engine.MemoryWarning(); warning != "" {
		diags.AddWarning("Little memory for clusters", warning)
	}
	config, d := plan.toConfig(ctx)
	diags.Append(d...)
	if config.NodeImage != "" && config.NeedsCgroupV1Tolerance(engine) {
		diags.AddAttributeWarning(path.Root("node_image"), "Control groups version 1", fmt.Sprintf(
			"The Docker engine runs on cgroup v1, which kubelets refuse from Kubernetes v1.35 on. "+
				"The node of management cluster %q is told to accept it (failCgroupV1: false). "+
				"Kubernetes will drop cgroup v1 altogether; move this machine to cgroup v2 in time.", config.Name))
	}
	if config.Name != "" {
		diags.Append(r.checkName(ctx, config.Name)...)
	}
	if dockerIsLocal() {
		diags.Append(checkPorts(ctx, config.PortMappings)...)
	}
	return diags
}

// checkName refuses the name of a cluster that exists, and recognizes one whose
// creation was cut off, which cannot be imported. What a creation of this provider left,
// the next one deals with.
func (r *Resource) checkName(ctx context.Context, name string) diag.Diagnostics {
	err := r.clusters.CheckName(ctx, name)
	if err == nil {
		return nil
	}
	if !errors.Is(err, kind.ErrExists) {
		return diag.Diagnostics{createDiagnostic(kind.Config{Name: name}, err)}
	}
	description, err := r.clusters.Describe(ctx, name)
	switch {
	case errors.Is(err, kind.ErrNotFound):
		return nil
	case err != nil:
		return diag.Diagnostics{describeError(name, err)}
	case r.inState(description.Nodes):
		return nil
	case description.Status == kind.StatusIncomplete:
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("name"), "Remains of a management cluster", fmt.Sprintf(
			"There are containers of a KinD cluster %q that has no API, as when its creation is cut off. This provider did not make them. "+
				"If nobody is creating it, delete them with\n\n  %s", name, removeContainers(description.Nodes)))}
	default:
		return diag.Diagnostics{alreadyExists(name)}
	}
}

// removeContainers is a command that removes containers, and no others that are called
// the same by then.
func removeContainers(ids []string) string {
	command := "docker rm -f -v"
	for _, id := range ids {
		command += fmt.Sprintf(" %.12s", id)
	}
	return command
}

func alreadyExists(name string) diag.Diagnostic {
	return tfkit.AlreadyExists(path.Root("name"), fmt.Sprintf("KinD cluster %q", name), ResourceType, management.KindID(name))
}

// dockerIsLocal says whether the ports that Docker opens are opened on this
// machine. A context that points elsewhere is not seen through: then a free port
// here proves nothing, and a used one is the exception.
func dockerIsLocal() bool {
	host := os.Getenv("DOCKER_HOST")
	return host == "" || strings.HasPrefix(host, "unix://") || strings.HasPrefix(host, "npipe://")
}

// checkPorts opens every port for a moment. Ports that cannot be tried are left
// to Docker.
func checkPorts(ctx context.Context, mappings []kind.PortMapping) diag.Diagnostics {
	var diags diag.Diagnostics
	for i, mapping := range mappings {
		if mapping.HostPort == 0 || mapping.ListenAddress == "" {
			continue
		}
		address := net.JoinHostPort(mapping.ListenAddress, strconv.Itoa(int(mapping.HostPort)))
		if err := tryListen(ctx, mapping.Protocol, address); err != nil {
			diags.AddAttributeError(
				path.Root("extra_port_mappings").AtListIndex(i).AtName("host_port"),
				"Port in use",
				fmt.Sprintf("The port %s (%s) of this machine cannot be opened: %s. Choose another host_port, or stop what listens there.",
					address, mapping.Protocol, err))
		}
	}
	return diags
}

func tryListen(ctx context.Context, protocol, address string) error {
	var config net.ListenConfig
	switch protocol {
	case "TCP":
		listener, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return onlyInUse(err)
		}
		return listener.Close()
	case "UDP":
		conn, err := config.ListenPacket(ctx, "udp", address)
		if err != nil {
			return onlyInUse(err)
		}
		return conn.Close()
	default:
		return nil
	}
}
