// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields_test

import (
	"encoding/json"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// attributes has one of each form that fields come in.
var attributes = map[string]schema.Attribute{
	"labels": schema.MapAttribute{ElementType: types.StringType, Optional: true},
	"paused": schema.BoolAttribute{Optional: true},
	"topology": schema.SingleNestedAttribute{
		Required: true,
		Attributes: map[string]schema.Attribute{
			"class":     schema.StringAttribute{Required: true},
			"cidrs":     schema.ListAttribute{ElementType: types.StringType, Optional: true},
			"variables": schema.DynamicAttribute{Optional: true},
			"machine_deployments": apifields.NewStructured(schema.MapNestedAttribute{
				Optional: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"class":     schema.StringAttribute{Required: true, MarkdownDescription: "The class."},
					"replicas":  schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)}},
					"max_surge": schema.StringAttribute{Optional: true},
					"spec":      schema.DynamicAttribute{Optional: true},
					"values":    schema.DynamicAttribute{Optional: true, Validators: []validator.Dynamic{apifields.IsObject()}},
					"checks": schema.ListNestedAttribute{Optional: true, NestedObject: schema.NestedAttributeObject{
						Attributes: map[string]schema.Attribute{"timeout_seconds": schema.Int64Attribute{Required: true}},
					}},
				}},
			}),
		},
	},
	"wait": schema.BoolAttribute{Optional: true},
}

var fields = apifields.Fields{
	"labels":                       apifields.At("metadata", "labels"),
	"paused":                       apifields.At("spec", "paused"),
	"topology":                     apifields.At("spec", "topology"),
	"topology.class":               apifields.At("classRef", "name"),
	"topology.variables":           apifields.NamedValues("variables"),
	"topology.machine_deployments": apifields.NamedList("name", "workers", "machineDeployments"),
	"topology.machine_deployments.*.max_surge": apifields.IntOrString(),
	"wait": apifields.Skip(),
}

func outerTypes() map[string]attr.Type {
	outer := map[string]attr.Type{}
	for name, attribute := range attributes {
		outer[name] = attribute.GetType()
	}
	return outer
}

// value makes the value of an attribute from JSON, as a configuration would.
func value(t *testing.T, name, text string) attr.Value {
	t.Helper()
	declared, err := fields.Decode(map[string]attr.Type{name: attributes[name].GetType()}, apifields.Types(attributes), nil,
		object(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return declared[name]
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var content any
	if err := json.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return integers(content).(map[string]any)
}

// integers makes the numbers of decoded JSON what Kubernetes makes of them.
func integers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = integers(value[key])
		}
	case []any:
		for i := range value {
			value[i] = integers(value[i])
		}
	case float64:
		if float64(int64(value)) == value {
			return int64(value)
		}
	}
	return value
}

const live = `{
  "metadata": {"labels": {"tier": "test", "other": "x"}},
  "spec": {
    "paused": false,
    "topology": {
      "classRef": {"name": "quick-start"},
      "cidrs": ["10.0.0.0/8"],
      "variables": [{"name": "size", "value": 3}, {"name": "defaulted", "value": {"a": [1, 2.5]}}],
      "workers": {"machineDeployments": [
        {"name": "md-0", "class": "w", "replicas": 2, "maxSurge": 1, "spec": {"keepMe": true, "more": "y"}, "checks": [{"timeoutSeconds": 5}]},
        {"name": "md-1", "class": "w", "maxSurge": "25%"}
      ]}
    }
  }
}`

// What was read in full encodes to what it was read from.
func TestRoundTrip(t *testing.T) {
	g := NewWithT(t)
	all, err := fields.Decode(outerTypes(), apifields.Types(attributes), nil, object(t, live))
	g.Expect(err).NotTo(HaveOccurred())
	encoded, err := fields.Encode(apifields.Types(attributes), all)
	g.Expect(err).NotTo(HaveOccurred())
	want := object(t, live)
	// Named values have no order of their own; Encode gives them one.
	list := want["spec"].(map[string]any)["topology"].(map[string]any)["variables"].([]any)
	list[0], list[1] = list[1], list[0]
	g.Expect(encoded).To(Equal(want))
}

func TestEncodeLeavesOutWhatIsEmpty(t *testing.T) {
	g := NewWithT(t)
	topology := value(t, "topology", `{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": []}, "variables": [], "cidrs": []}}}`)
	encoded, err := fields.Encode(apifields.Types(attributes), map[string]attr.Value{
		"topology": topology, "labels": types.MapValueMust(types.StringType, map[string]attr.Value{}), "paused": types.BoolValue(false),
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(encoded).To(Equal(object(t, `{"spec": {"paused": false, "topology": {"classRef": {"name": "c"}}}}`)))
}

func TestEncodeUnknown(t *testing.T) {
	g := NewWithT(t)
	_, err := fields.Encode(apifields.Types(attributes), map[string]attr.Value{"paused": types.BoolUnknown()})
	g.Expect(err).To(MatchError(tfkit.ErrUnknown))
}

// Of the live object nothing is read that is not declared, and what is declared
// keeps its form if it means the same.
func TestDecodeDeclaredOnly(t *testing.T) {
	declare := func(text string) map[string]attr.Value {
		all, err := fields.Decode(outerTypes(), apifields.Types(attributes), nil, object(t, text))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	const declared = `{
	  "metadata": {"labels": {"tier": "test"}},
	  "spec": {"topology": {
	    "classRef": {"name": "quick-start"},
	    "variables": [{"name": "size", "value": 3}],
	    "workers": {"machineDeployments": [{"name": "md-0", "class": "w", "replicas": 2, "spec": {"keepMe": true}}]}
	  }}
	}`
	for name, tc := range map[string]struct{ declared, live, want string }{
		"others' fields are nobody's difference": {declared, live, declared},
		"a declared value that changed": {declared,
			`{"metadata": {"labels": {"tier": "prod"}}, "spec": {"topology": {"classRef": {"name": "quick-start"}, "variables": [{"name": "size", "value": 4}],
			  "workers": {"machineDeployments": [{"name": "md-0", "class": "w", "replicas": 2, "spec": {"keepMe": false}}]}}}}`,
			`{"metadata": {"labels": {"tier": "prod"}}, "spec": {"topology": {"classRef": {"name": "quick-start"}, "variables": [{"name": "size", "value": 4}],
			  "workers": {"machineDeployments": [{"name": "md-0", "class": "w", "replicas": 2, "spec": {"keepMe": false}}]}}}}`},
		"a declared item that is gone": {declared,
			`{"metadata": {"labels": {"tier": "test"}}, "spec": {"topology": {"classRef": {"name": "quick-start"}}}}`,
			`{"metadata": {"labels": {"tier": "test"}}, "spec": {"topology": {"classRef": {"name": "quick-start"}}}}`},
		"what is empty may be absent": {
			`{"spec": {"paused": false, "topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "replicas": 0, "spec": {"off": false, "none": {}}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {}}]}}}}`,
			`{"spec": {"paused": false, "topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "replicas": 0, "spec": {"off": false, "none": {}}}]}}}}`},
		"amounts and durations written differently": {
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"t": "5m", "cpu": "1000m"}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"t": "5m0s", "cpu": "1"}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"t": "5m", "cpu": "1000m"}}]}}}}`},
		"values that were converted": {
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"image": 5, "size": "7", "on": "true"}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"image": "5", "size": 7, "on": true}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"image": 5, "size": "7", "on": "true"}}]}}}}`},
		"a version is no amount": {
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"v": "1.1"}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"v": "1.10"}}]}}}}`,
			`{"spec": {"topology": {"classRef": {"name": "c"}, "workers": {"machineDeployments": [{"name": "a", "class": "w", "spec": {"v": "1.10"}}]}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := fields.Decode(outerTypes(), apifields.Types(attributes), declare(tc.declared), object(t, tc.live))
			g.Expect(err).NotTo(HaveOccurred())
			for attribute, want := range declare(tc.want) {
				// A declared attribute that is gone is null, or empty where it was an object around others.
				g.Expect(got[attribute].Equal(want)).To(BeTrue(), "%s is %s, want %s", attribute, got[attribute], want)
			}
		})
	}
}

func TestAttributePath(t *testing.T) {
	encoded := object(t, live)
	deployments := path.Root("topology").AtName("machine_deployments")
	for field, want := range map[string]path.Path{
		"spec.topology.classRef.name":                                          path.Root("topology").AtName("class"),
		"spec.topology.version":                                                path.Root("topology"),
		"spec.topology.cidrs[0]":                                               path.Root("topology").AtName("cidrs").AtListIndex(0),
		"spec.topology.variables[size].value":                                  path.Root("topology").AtName("variables").AtName("size"),
		"spec.topology.variables[1]":                                           path.Root("topology").AtName("variables").AtName("defaulted"),
		"spec.topology.workers.machineDeployments[1].class":                    deployments.AtMapKey("md-1").AtName("class"),
		"spec.topology.workers.machineDeployments[md-0].maxSurge":              deployments.AtMapKey("md-0").AtName("max_surge"),
		"spec.topology.workers.machineDeployments[0].checks[0].timeoutSeconds": deployments.AtMapKey("md-0").AtName("checks").AtListIndex(0).AtName("timeout_seconds"),
		"spec.topology.workers":                                                deployments,
		"metadata.labels":                                                      path.Root("labels"),
		"status.phase":                                                         path.Empty(),
		"":                                                                     path.Empty(),
	} {
		if got := fields.AttributePath(apifields.Types(attributes), encoded, field); !got.Equal(want) {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
}

// A dynamic attribute is checked like the nested one that it stands for.
func TestStructured(t *testing.T) {
	structured := attributes["topology"].(schema.SingleNestedAttribute).Attributes["machine_deployments"].(apifields.Structured)
	for name, tc := range map[string]struct{ config, wantPath, want string }{
		"good":               {config: `{"a": {"class": "w", "replicas": 1, "spec": {"anything": [1]}, "checks": [{"timeout_seconds": 1}]}}`},
		"converted":          {config: `{"a": {"class": "w", "replicas": "1", "max_surge": 1}}`},
		"missing":            {`{"a": {"replicas": 1}}`, `["a"].class`, "required"},
		"unsupported":        {`{"a": {"class": "w", "replcas": 1}}`, `["a"].replcas`, "There are checks, class, max_surge, replicas, spec, values"},
		"not a number":       {`{"a": {"class": "w", "replicas": "many"}}`, `["a"].replicas`, "not a whole number"},
		"validator":          {`{"a": {"class": "w", "replicas": -1}}`, `["a"].replicas`, "at least 0"},
		"not an object":      {`{"a": 1}`, `["a"]`, "object"},
		"not a list":         {`{"a": {"class": "w", "checks": {}}}`, `["a"].checks`, "list"},
		"a list as number":   {`{"a": {"class": "w", "replicas": [1]}}`, `["a"].replicas`, "A number belongs here, and not a list."},
		"an object as text":  {`{"a": {"class": {}}}`, `["a"].class`, "A string belongs here, and not an object."},
		"a list as values":   {`{"a": {"class": "w", "values": ["b"]}}`, `["a"].values`, "An object, name = value, belongs here, and not a list."},
		"a string as values": {`{"a": {"class": "w", "values": "b"}}`, `["a"].values`, "and not a string."},
		"values":             {config: `{"a": {"class": "w", "values": {"b": 1}}}`},
		"deep in a list":     {`{"a": {"class": "w", "checks": [{}]}}`, `["a"].checks[0].timeout_seconds`, "required"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			config, err := tfkit.DynamicFromAny(object(t, tc.config))
			g.Expect(err).NotTo(HaveOccurred())
			resp := &validator.DynamicResponse{}
			structured.Validators[0].ValidateDynamic(t.Context(), validator.DynamicRequest{Path: path.Root("m"), ConfigValue: config}, resp)
			if tc.want == "" {
				g.Expect(resp.Diagnostics).To(BeEmpty())
				return
			}
			g.Expect(resp.Diagnostics).To(HaveLen(1))
			g.Expect(resp.Diagnostics[0].Detail()).To(And(ContainSubstring(tc.wantPath), ContainSubstring(tc.want)))
		})
	}
	NewWithT(t).Expect(structured.MarkdownDescription).To(ContainSubstring("- `class` (required) The class.\n"))
}

// No JSON value makes the check of a configuration or the way to the API and back
// panic.
func FuzzConfiguration(f *testing.F) {
	f.Add(`{"md-0": {"class": "w", "replicas": 2, "max_surge": "25%", "checks": [{"timeout_seconds": 5}], "spec": {"a": [null, 1.5]}}}`)
	f.Add(`{"md-0": null, "md-1": {"class": [], "checks": [1]}}`)
	f.Add(`[]`)
	structured := attributes["topology"].(schema.SingleNestedAttribute).Attributes["machine_deployments"].(apifields.Structured)
	shape := map[string]attr.Type{"machine_deployments": apifields.Types(map[string]schema.Attribute{"m": structured})["m"]}
	forms := apifields.Fields{"machine_deployments": apifields.NamedList("name")}
	f.Fuzz(func(t *testing.T, text string) {
		var content any
		if json.Unmarshal([]byte(text), &content) != nil {
			t.Skip()
		}
		config, err := tfkit.DynamicFromAny(content)
		if err != nil {
			t.Skip()
		}
		resp := &validator.DynamicResponse{}
		structured.Validators[0].ValidateDynamic(t.Context(), validator.DynamicRequest{Path: path.Root("m"), ConfigValue: config}, resp)
		declared := map[string]attr.Value{"machine_deployments": config}
		encoded, err := forms.Encode(shape, declared)
		if err != nil {
			if !resp.Diagnostics.HasError() {
				t.Fatalf("the check found nothing wrong, and yet: %v", err)
			}
			return
		}
		outer := map[string]attr.Type{"machine_deployments": types.DynamicType}
		back, err := forms.Decode(outer, shape, declared, encoded)
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded) > 0 && !back["machine_deployments"].Equal(config) {
			t.Fatalf("what was applied reads back as %s, was %s", back["machine_deployments"], config)
		}
	})
}
