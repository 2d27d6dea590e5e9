// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// model is the resource in plans and states.
type model struct {
	ID                   types.String   `tfsdk:"id"`
	ManagementCluster    types.String   `tfsdk:"management_cluster"`
	Namespace            types.String   `tfsdk:"namespace"`
	Name                 types.String   `tfsdk:"name"`
	Labels               types.Map      `tfsdk:"labels"`
	Annotations          types.Map      `tfsdk:"annotations"`
	Paused               types.Bool     `tfsdk:"paused"`
	AvailabilityGates    types.List     `tfsdk:"availability_gates"`
	ControlPlaneEndpoint types.Object   `tfsdk:"control_plane_endpoint"`
	ClusterNetwork       types.Object   `tfsdk:"cluster_network"`
	Topology             types.Object   `tfsdk:"topology"`
	CNI                  types.Object   `tfsdk:"cni"`
	WaitFor              types.String   `tfsdk:"wait_for"`
	OnTimeout            types.String   `tfsdk:"on_timeout"`
	Timeouts             timeouts.Value `tfsdk:"timeouts"`
	DeletionProtection   types.Bool     `tfsdk:"deletion_protection"`
	DeletionPolicy       types.String   `tfsdk:"deletion_policy"`
	ForceDeleteAfter     types.String   `tfsdk:"force_delete_after"`
	UID                  types.String   `tfsdk:"uid"`
	Endpoint             types.Object   `tfsdk:"endpoint"`
	Phase                types.String   `tfsdk:"phase"`
	Ready                types.Bool     `tfsdk:"ready"`
	KubernetesVersions   types.List     `tfsdk:"kubernetes_versions"`
	Conditions           types.Map      `tfsdk:"conditions"`
	Machines             types.Map      `tfsdk:"machines"`
	Replicas             types.Object   `tfsdk:"replicas"`
	Rollout              types.List     `tfsdk:"rollout"`
	Upgrade              types.Object   `tfsdk:"upgrade"`
}

// attributeTypes are the types of the attributes, shape what they look like inside.
var attributeTypes, shape = schemaTypes()

func schemaTypes() (attributeTypes, shape map[string]attr.Type) {
	var resp resource.SchemaResponse
	(&Resource{}).Schema(context.Background(), resource.SchemaRequest{}, &resp)
	attributeTypes = map[string]attr.Type{}
	for name, attribute := range resp.Schema.Attributes {
		attributeTypes[name] = attribute.GetType()
	}
	return attributeTypes, apifields.Types(resp.Schema.Attributes)
}

// apiTypes are the types of the attributes that are read back from a Cluster. Its
// name and namespace are not: they say which Cluster it is.
func apiTypes() map[string]attr.Type {
	selected := map[string]attr.Type{}
	for name := range (&model{}).attributes() {
		selected[name] = attributeTypes[name]
	}
	return selected
}

func (m *model) attributes() map[string]attr.Value {
	return map[string]attr.Value{
		"labels": m.Labels, "annotations": m.Annotations, "paused": m.Paused, "availability_gates": m.AvailabilityGates,
		"control_plane_endpoint": m.ControlPlaneEndpoint, "cluster_network": m.ClusterNetwork, "topology": m.Topology,
	}
}

func (m *model) key() client.ObjectKey {
	return client.ObjectKey{Namespace: m.Namespace.ValueString(), Name: m.Name.ValueString()}
}

// object names the Cluster in a sentence.
func (m *model) object() string { return "Cluster " + m.key().String() }

// id is what the id attribute says once the cluster exists.
func (m *model) id() string {
	return management.JoinID(m.ManagementCluster.ValueString(), m.key().String())
}

// ToAPI returns the Cluster object with what the configuration declares and
// nothing else. The error is tfkit.ErrUnknown if not all of it is known.
func (m *model) ToAPI() (*unstructured.Unstructured, error) {
	attributes := m.attributes()
	attributes["name"], attributes["namespace"] = m.Name, m.Namespace
	content, err := fields.Encode(shape, attributes)
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{Object: content}
	obj.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind))
	cni, err := m.cni()
	if err != nil {
		return nil, err
	}
	cni.declare(obj)
	return obj, nil
}

// typed returns the object as a Cluster. A field that Clusters do not have is
// an error.
func typed(obj *unstructured.Unstructured) (*clusterv1.Cluster, error) {
	cluster := &clusterv1.Cluster{}
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, cluster, true)
	return cluster, err
}

// typedFor is typed, with variables of the types that the class asks for, if it is known.
func typedFor(class *clusterv1.ClusterClass, obj *unstructured.Unstructured) (*clusterv1.Cluster, error) {
	topology.ConvertVariables(class, obj)
	return typed(obj)
}

// classKey is where the class of a Cluster is; zero if there is no Cluster.
func classKey(obj *unstructured.Unstructured) client.ObjectKey {
	if obj == nil {
		return client.ObjectKey{}
	}
	name, _, _ := unstructured.NestedString(obj.Object, "spec", "topology", "classRef", "name")
	namespace, _, _ := unstructured.NestedString(obj.Object, "spec", "topology", "classRef", "namespace")
	return client.ObjectKey{Namespace: cmp.Or(namespace, obj.GetNamespace()), Name: name}
}

// FromAPI reads the declared attributes from the live object. A model that has
// no topology yet, because it is being imported, reads all that Terraform would
// have declared.
func (m *model) FromAPI(obj *unstructured.Unstructured) error {
	declared, content := m.attributes(), obj.Object
	if m.Topology.IsNull() {
		var err error
		if content, err = management.Importable(obj); err != nil {
			return err
		}
		if _, applied, err := management.Owned(obj); err == nil && !applied {
			// Nearly always the infrastructure provider has filled it in.
			unstructured.RemoveNestedField(content, "spec", "controlPlaneEndpoint")
		}
		withoutDefaultPods(obj.GetAnnotations(), content)
		declared = nil
	}
	attributes, err := fields.Decode(apiTypes(), shape, declared, content)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", m.object(), err)
	}
	m.Labels, _ = attributes["labels"].(types.Map)
	m.Annotations, _ = attributes["annotations"].(types.Map)
	m.Paused, _ = attributes["paused"].(types.Bool)
	m.AvailabilityGates, _ = attributes["availability_gates"].(types.List)
	m.ControlPlaneEndpoint, _ = attributes["control_plane_endpoint"].(types.Object)
	m.ClusterNetwork, _ = attributes["cluster_network"].(types.Object)
	m.Topology, _ = attributes["topology"].(types.Object)
	return nil
}

// observe sets the computed attributes.
func (m *model) observe(f *live.Facts) {
	m.ID = types.StringValue(m.id())
	m.UID = types.StringValue(string(f.Cluster.UID))
	values := status(f)
	maps.Copy(values, summary(f))
	m.Endpoint, _ = values["endpoint"].(types.Object)
	m.Phase, _ = values["phase"].(types.String)
	m.Ready, _ = values["ready"].(types.Bool)
	m.KubernetesVersions, _ = values["kubernetes_versions"].(types.List)
	m.Conditions, _ = values["conditions"].(types.Map)
	m.Machines, _ = values["machines"].(types.Map)
	m.Replicas, _ = values["replicas"].(types.Object)
}

func stringList(values []string) types.List {
	elements := make([]attr.Value, len(values))
	for i, value := range values {
		elements[i] = types.StringValue(value)
	}
	return types.ListValueMust(types.StringType, elements)
}
