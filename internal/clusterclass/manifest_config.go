// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
)

const (
	classAttributeName     = "manifest_class"
	classOnlyAttributeName = "manifest_class_only"
)

var manifestPath = path.Root("manifest")

// typedOnly are the attributes that a manifest takes the place of. The first two
// cannot be missing without one, and neither can the name.
var typedOnly = []string{"infrastructure", "control_plane", "workers", "variables", "patches", "availability_gates", "kubernetes_versions", "upgrade"}

// ValidateConfig demands a class that is written in one way, as a manifest or in
// attributes, and refuses manifests that are not one whole class.
func (r *Resource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Manifest.IsNull() {
		resp.Diagnostics.Append(config.validateTyped()...)
		return
	}
	attributes := config.attributes()
	for _, name := range typedOnly {
		if !attributes[name].IsNull() {
			resp.Diagnostics.AddAttributeError(path.Root(name), "Conflicting attributes",
				"The manifest has all of the class: \""+name+"\" and \"manifest\" exclude each other. Remove one of them.")
		}
	}
	resp.Diagnostics.Append(config.validateManifest()...)
}

// validateTyped demands what cannot be missing without a manifest, and nothing that
// is about one.
func (m *model) validateTyped() diag.Diagnostics {
	var diags diag.Diagnostics
	attributes := m.attributes()
	attributes["name"] = m.Name
	for _, name := range []string{"name", "infrastructure", "control_plane"} {
		if attributes[name].IsNull() {
			diags.AddAttributeError(path.Root(name), "Missing attribute",
				"The attribute \""+name+"\" is required, unless there is a \"manifest\".")
		}
	}
	for name, value := range map[string]attr.Value{
		variablesAttributeName: m.ManifestVariables, classAttributeName: m.ManifestClass, classOnlyAttributeName: m.ManifestClassOnly,
	} {
		if !value.IsNull() {
			diags.AddAttributeError(path.Root(name), "Missing attribute", "\""+name+"\" says how to read a \"manifest\", and there is none. Add one, or remove it.")
		}
	}
	return diags
}

func (m *model) validateManifest() diag.Diagnostics {
	source, err := m.manifest()
	if err != nil || source == nil {
		return nil
	}
	parsed, err := source.parse()
	if err != nil {
		return source.diagnostics(err)
	}
	if name := parsed.name; m.Name.IsNull() && (len(name) > maxClassName || len(validation.IsDNS1123Subdomain(name)) > 0) {
		err = errors.Join(err, fmt.Errorf("the name of the ClusterClass is %q, and has to be at most %d lower case letters, digits, dashes and dots. Correct it, or set name%s",
			name, maxClassName, source.toFill(name)))
	}
	if namespace := parsed.namespace; m.Namespace.IsNull() && namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0 {
		err = errors.Join(err, fmt.Errorf("the namespace of the ClusterClass is %q, and has to be at most %d lower case letters, digits and dashes. Correct it, or set namespace%s",
			namespace, validation.DNS1123LabelMaxLength, source.toFill(namespace)))
	}
	return source.diagnostics(err)
}

// toFill is the remedy if a text has variables that nothing fills in.
func (m Manifest) toFill(text string) string {
	if names, err := processor.GetVariables([]byte(text)); m.Variables != nil || err != nil || len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; if ${...} is a variable of clusterctl, set %s", variablesAttributeName)
}

// attributeError is a fault of a manifest that another attribute is to blame for.
type attributeError struct{ attribute, message string }

func (e *attributeError) Error() string { return e.message }

// diagnostics has an error for each fault of a manifest.
func (m Manifest) diagnostics(err error) diag.Diagnostics {
	var diags diag.Diagnostics
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, fault := range all.Unwrap() {
			diags.Append(m.diagnostics(fault)...)
		}
		return diags
	}
	if err == nil {
		return nil
	}
	attribute := manifestPath
	var elsewhere *attributeError
	if errors.As(err, &elsewhere) {
		attribute = path.Root(elsewhere.attribute)
	}
	diags.AddAttributeError(attribute, "Invalid manifest", m.conceal(apifields.Sentence(err.Error())))
	return diags
}

// manifestWarnings says what a manifest has that may be meant differently.
func (r *rendered) manifestWarnings() diag.Diagnostics {
	var diags diag.Diagnostics
	if r.manifest == nil {
		return diags
	}
	if names := r.manifest.unfilled; len(names) > 0 {
		diags.AddAttributeWarning(manifestPath, "Variables in the manifest", fmt.Sprintf(
			"In the manifest these look like variables of clusterctl, and stay as they are: %s. Set %s to have them filled in as `clusterctl generate` does; {} suffices if all have defaults.",
			strings.Join(names, ", "), variablesAttributeName))
	}
	if fields := r.manifest.ignored; len(fields) > 0 {
		diags.AddAttributeWarning(manifestPath, "Ignored fields", fmt.Sprintf("Cluster API does not know these fields of the ClusterClass, and ignores them: %s.", strings.Join(fields, ", ")))
	}
	if unused := r.manifest.source.unused(); len(unused) > 0 {
		diags.AddAttributeWarning(path.Root(variablesAttributeName), "Unused values", strings.Join(unused, "\n"))
	}
	return diags
}
