// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// statusUnreachable goes beside the statuses that KinD knows: the node runs, but
// its API does not answer. A cluster of a resource is never incomplete.
const statusUnreachable = kind.Status("unreachable")

type model struct {
	ID                   types.String   `tfsdk:"id"`
	Name                 types.String   `tfsdk:"name"`
	NodeImage            types.String   `tfsdk:"node_image"`
	MountDockerSocket    types.Bool     `tfsdk:"mount_docker_socket"`
	ExtraPortMappings    types.List     `tfsdk:"extra_port_mappings"`
	ExtraMounts          types.List     `tfsdk:"extra_mounts"`
	FeatureGates         types.Map      `tfsdk:"feature_gates"`
	KubeadmConfigPatches types.List     `tfsdk:"kubeadm_config_patches"`
	Labels               types.Map      `tfsdk:"labels"`
	KubeconfigPath       types.String   `tfsdk:"kubeconfig_path"`
	Timeouts             timeouts.Value `tfsdk:"timeouts"`
	Endpoint             types.String   `tfsdk:"endpoint"`
	ClusterCACertificate types.String   `tfsdk:"cluster_ca_certificate"`
	KubernetesVersion    types.String   `tfsdk:"kubernetes_version"`
	Status               types.String   `tfsdk:"status"`
}

type portMapping struct {
	ContainerPort types.Int64  `tfsdk:"container_port"`
	HostPort      types.Int64  `tfsdk:"host_port"`
	ListenAddress types.String `tfsdk:"listen_address"`
	Protocol      types.String `tfsdk:"protocol"`
}

type mount struct {
	HostPath      types.String `tfsdk:"host_path"`
	ContainerPath types.String `tfsdk:"container_path"`
	ReadOnly      types.Bool   `tfsdk:"read_only"`
}

var (
	portMappingType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"container_port": tfkit.WholeNumberType{},
		"host_port":      tfkit.WholeNumberType{},
		"listen_address": types.StringType,
		"protocol":       types.StringType,
	}}
	mountType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"host_path":      types.StringType,
		"container_path": types.StringType,
		"read_only":      types.BoolType,
	}}
)

// toConfig is what the model asks KinD for. Unknown values count as unset.
func (m *model) toConfig(ctx context.Context) (kind.Config, diag.Diagnostics) {
	var diags diag.Diagnostics
	config := kind.Config{
		Name:              m.Name.ValueString(),
		NodeImage:         m.NodeImage.ValueString(),
		MountDockerSocket: m.MountDockerSocket.ValueBool(),
	}
	for _, mapping := range objects[portMapping](ctx, m.ExtraPortMappings, &diags) {
		config.PortMappings = append(config.PortMappings, kind.PortMapping{
			ContainerPort: int32(mapping.ContainerPort.ValueInt64()),
			HostPort:      int32(mapping.HostPort.ValueInt64()),
			ListenAddress: mapping.ListenAddress.ValueString(),
			Protocol:      mapping.Protocol.ValueString(),
		})
	}
	for _, mount := range objects[mount](ctx, m.ExtraMounts, &diags) {
		config.Mounts = append(config.Mounts, kind.Mount{
			HostPath:      mount.HostPath.ValueString(),
			ContainerPath: mount.ContainerPath.ValueString(),
			ReadOnly:      mount.ReadOnly.ValueBool(),
		})
	}
	for _, patch := range m.KubeadmConfigPatches.Elements() {
		if patch, ok := patch.(types.String); ok {
			config.KubeadmConfigPatches = append(config.KubeadmConfigPatches, patch.ValueString())
		}
	}
	config.FeatureGates = entries(m.FeatureGates, types.Bool.ValueBool)
	config.Labels = entries(m.Labels, types.String.ValueString)
	return config, diags
}

// objects decodes a list of objects. One that is unknown is a zero T, so that the
// others keep their index.
func objects[T any](ctx context.Context, list types.List, diags *diag.Diagnostics) []T {
	result := make([]T, len(list.Elements()))
	for i, element := range list.Elements() {
		if object, ok := element.(types.Object); ok && !object.IsUnknown() {
			diags.Append(object.As(ctx, &result[i], basetypes.ObjectAsOptions{})...)
		}
	}
	return result
}

// entries decodes a map; nil if it has no entries.
func entries[A attr.Value, V any](m types.Map, value func(A) V) map[string]V {
	var result map[string]V
	for key, element := range m.Elements() {
		if element, ok := element.(A); ok {
			if result == nil {
				result = map[string]V{}
			}
			result[key] = value(element)
		}
	}
	return result
}

// fromConfig sets what the cluster was made from. What means the same as before
// stays as it is, so that a list which is empty in the configuration does not become null.
func (m *model) fromConfig(ctx context.Context, config kind.Config) diag.Diagnostics {
	before, diags := m.toConfig(ctx)
	m.Name = types.StringValue(config.Name)
	m.NodeImage = types.StringValue(config.NodeImage)
	m.MountDockerSocket = types.BoolValue(config.MountDockerSocket)
	if m.ExtraPortMappings.IsUnknown() || !slices.Equal(before.PortMappings, config.PortMappings) {
		m.ExtraPortMappings = listOf(ctx, portMappingType, config.PortMappings, newPortMapping, &diags)
	}
	if m.ExtraMounts.IsUnknown() || !slices.Equal(before.Mounts, config.Mounts) {
		m.ExtraMounts = listOf(ctx, mountType, config.Mounts, newMount, &diags)
	}
	if m.KubeadmConfigPatches.IsUnknown() || !slices.Equal(before.KubeadmConfigPatches, config.KubeadmConfigPatches) {
		m.KubeadmConfigPatches = listOf(ctx, types.StringType, config.KubeadmConfigPatches, types.StringValue, &diags)
	}
	if m.FeatureGates.IsUnknown() || !maps.Equal(before.FeatureGates, config.FeatureGates) {
		m.FeatureGates = mapOf(ctx, types.BoolType, config.FeatureGates, &diags)
	}
	if m.Labels.IsUnknown() || !maps.Equal(before.Labels, config.Labels) {
		m.Labels = mapOf(ctx, types.StringType, config.Labels, &diags)
	}
	return diags
}

func newPortMapping(mapping kind.PortMapping) portMapping {
	return portMapping{
		ContainerPort: types.Int64Value(int64(mapping.ContainerPort)),
		HostPort:      types.Int64Value(int64(mapping.HostPort)),
		ListenAddress: types.StringValue(mapping.ListenAddress),
		Protocol:      types.StringValue(mapping.Protocol),
	}
}

func newMount(m kind.Mount) mount {
	return mount{
		HostPath:      types.StringValue(m.HostPath),
		ContainerPath: types.StringValue(m.ContainerPath),
		ReadOnly:      types.BoolValue(m.ReadOnly),
	}
}

// listOf is a list of converted items, null if there are none.
func listOf[From, To any](ctx context.Context, elementType attr.Type, items []From, convert func(From) To, diags *diag.Diagnostics) types.List {
	if len(items) == 0 {
		return types.ListNull(elementType)
	}
	converted := make([]To, len(items))
	for i, item := range items {
		converted[i] = convert(item)
	}
	list, d := types.ListValueFrom(ctx, elementType, converted)
	diags.Append(d...)
	return list
}

// mapOf is a map value, null if it has no entries.
func mapOf[V any](ctx context.Context, elementType attr.Type, entries map[string]V, diags *diag.Diagnostics) types.Map {
	if len(entries) == 0 {
		return types.MapNull(elementType)
	}
	value, d := types.MapValueFrom(ctx, elementType, entries)
	diags.Append(d...)
	return value
}

// fromDescription sets what a cluster that runs tells about itself.
func (m *model) fromDescription(ctx context.Context, description *kind.Description) diag.Diagnostics {
	m.Status = types.StringValue(string(description.Status))
	m.Endpoint = types.StringValue(description.Endpoint)
	m.ClusterCACertificate = types.StringValue(description.CACertificate)
	m.KubernetesVersion = types.StringValue(description.KubernetesVersion)
	return m.fromConfig(ctx, description.Config)
}
