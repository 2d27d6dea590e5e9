// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// model is the resource in plans and states.
type model struct {
	ID                 types.String   `tfsdk:"id"`
	ManagementCluster  types.String   `tfsdk:"management_cluster"`
	Namespace          types.String   `tfsdk:"namespace"`
	Name               types.String   `tfsdk:"name"`
	Labels             types.Map      `tfsdk:"labels"`
	Annotations        types.Map      `tfsdk:"annotations"`
	Manifest           types.String   `tfsdk:"manifest"`
	ManifestVariables  types.Map      `tfsdk:"manifest_variables"`
	ManifestClass      types.String   `tfsdk:"manifest_class"`
	ManifestClassOnly  types.Bool     `tfsdk:"manifest_class_only"`
	LeftOut            types.List     `tfsdk:"left_out"`
	AvailabilityGates  types.List     `tfsdk:"availability_gates"`
	Infrastructure     types.Object   `tfsdk:"infrastructure"`
	ControlPlane       types.Object   `tfsdk:"control_plane"`
	Workers            types.Object   `tfsdk:"workers"`
	Variables          types.Dynamic  `tfsdk:"variables"`
	Patches            types.Dynamic  `tfsdk:"patches"`
	KubernetesVersions types.List     `tfsdk:"kubernetes_versions"`
	Upgrade            types.Object   `tfsdk:"upgrade"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
	Templates          types.Map      `tfsdk:"templates"`
	Ready              types.Bool     `tfsdk:"ready"`
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

// apiTypes are the types of the attributes that are read back from a class and its
// templates.
func apiTypes() map[string]attr.Type {
	selected := map[string]attr.Type{}
	for name := range (&model{}).attributes() {
		selected[name] = attributeTypes[name]
	}
	return selected
}

func (m *model) attributes() map[string]attr.Value {
	return map[string]attr.Value{
		"labels": m.Labels, "annotations": m.Annotations, "infrastructure": m.Infrastructure, "control_plane": m.ControlPlane,
		"workers": m.Workers, "variables": m.Variables, "patches": m.Patches, "kubernetes_versions": m.KubernetesVersions,
		"availability_gates": m.AvailabilityGates, "upgrade": m.Upgrade,
	}
}

func (m *model) key() client.ObjectKey {
	return client.ObjectKey{Namespace: m.Namespace.ValueString(), Name: m.Name.ValueString()}
}

// object names the class in a sentence.
func (m *model) object() string { return "ClusterClass " + m.key().String() }

func (m *model) id() string {
	return management.JoinID(m.ManagementCluster.ValueString(), m.key().String())
}

// ToAPI returns the ClusterClass and the template objects that it refers to. The
// error is tfkit.ErrUnknown if not all of it is known.
func (m *model) ToAPI() (*rendered, error) {
	parsed, err := m.parse()
	if err != nil {
		return nil, err
	}
	content, err := m.contentWith(parsed)
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{Object: content}
	obj.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterClassKind))
	rendered, err := render(obj)
	if err != nil {
		return nil, err
	}
	rendered.manifest = parsed
	return rendered, nil
}

func (m *model) encode() (map[string]any, error) {
	parsed, err := m.parse()
	if err != nil {
		return nil, err
	}
	return m.contentWith(parsed)
}

// contentWith is the content of the class, which a manifest has most of if there
// is one.
func (m *model) contentWith(parsed *manifest) (map[string]any, error) {
	attributes := m.attributes()
	attributes["name"], attributes["namespace"] = m.Name, m.Namespace
	content, err := fields.Encode(shape, attributes)
	if err != nil {
		return nil, err
	}
	convertFields(content)
	if parsed != nil {
		content, err = m.merged(parsed, content)
	}
	if err != nil {
		return nil, err
	}
	// The API has no default for what nearly always is false.
	for _, variable := range variables(content) {
		if variable["required"] == nil {
			variable["required"] = false
		}
	}
	return content, nil
}

// variables are those of a class's content.
func variables(content map[string]any) []map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(content, "spec", "variables")
	list, _ := value.([]any)
	var found []map[string]any
	for _, item := range list {
		if variable, ok := item.(map[string]any); ok {
			found = append(found, variable)
		}
	}
	return found
}

// typed returns the object as a ClusterClass. A field that ClusterClasses do not
// have, or that a variable's schema cannot have, is an error.
func typed(obj *unstructured.Unstructured) (*clusterv1.ClusterClass, error) {
	class := &clusterv1.ClusterClass{}
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, class, true)
	return class, err
}

// FromAPI reads the declared attributes from a class whose templates were put
// back into their references. A model that has no infrastructure yet, because it
// is being imported, reads everything.
func (m *model) FromAPI(content map[string]any) error {
	declared := m.attributes()
	if m.isImport() {
		declared = nil
	}
	source, err := m.manifest()
	if err != nil {
		return err
	}
	if source != nil {
		text, err := source.observed(content, m.Labels, m.Annotations)
		if err != nil {
			return fmt.Errorf("cannot compare %s to its manifest: %w", m.object(), err)
		}
		m.Manifest = types.StringValue(text)
	}
	attributes, err := fields.Decode(apiTypes(), shape, declared, content)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", m.object(), err)
	}
	m.Labels, _ = attributes["labels"].(types.Map)
	m.Annotations, _ = attributes["annotations"].(types.Map)
	m.Infrastructure, _ = attributes["infrastructure"].(types.Object)
	m.ControlPlane, _ = attributes["control_plane"].(types.Object)
	m.Workers, _ = attributes["workers"].(types.Object)
	m.Variables, _ = attributes["variables"].(types.Dynamic)
	m.Patches, _ = attributes["patches"].(types.Dynamic)
	m.KubernetesVersions, _ = attributes["kubernetes_versions"].(types.List)
	m.AvailabilityGates, _ = attributes["availability_gates"].(types.List)
	m.Upgrade, _ = attributes["upgrade"].(types.Object)
	return nil
}

// isImport says whether the state knows no more than which class it is.
func (m *model) isImport() bool { return m.Infrastructure.IsNull() && m.Manifest.IsNull() }

// observe sets the computed attributes. content is the class with the content of
// its templates in their references.
func (m *model) observe(class *clusterv1.ClusterClass, content map[string]any) {
	m.ID = types.StringValue(m.id())
	m.Ready = types.BoolValue(pending(class) == "")
	m.Templates = names(templateNames(content))
}

// templateNames are the names of the templates by role, as far as they are known.
func (m *model) templateNames() map[string]string {
	byRole := map[string]string{}
	for role, element := range m.Templates.Elements() {
		if name, ok := element.(types.String); ok && !name.IsNull() && !name.IsUnknown() {
			byRole[role] = name.ValueString()
		}
	}
	return byRole
}

// templateNames are the names of the templates of a class, by role.
func templateNames(content map[string]any) map[string]string {
	byRole := map[string]string{}
	note := func(role string, template any) {
		ref, _ := template.(map[string]any)
		if name, ok := ref["name"].(string); ok && name != "" {
			byRole[role] = name
		}
	}
	for role, holder := range holders(content) {
		note(role, holder["templateRef"])
	}
	for role, remediation := range remediations(content) {
		note(role, remediation["template"])
	}
	return byRole
}

func names(byRole map[string]string) types.Map {
	elements := map[string]attr.Value{}
	for role, name := range byRole {
		elements[role] = types.StringValue(name)
	}
	return types.MapValueMust(types.StringType, elements)
}
