// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// The registry's pages are made of the descriptions that Terraform gets, and say of
// each argument of a resource what leaving it out and changing it means.
func TestDescriptions(t *testing.T) {
	server := providerserver.NewProtocol6(New("test", nil)())()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for kind, byName := range map[string]map[string]*tfprotov6.Schema{
		"provider":            {TypeName: schemas.Provider},
		"resources":           schemas.ResourceSchemas,
		"data sources":        schemas.DataSourceSchemas,
		"ephemeral resources": schemas.EphemeralResourceSchemas,
	} {
		if len(byName) == 0 {
			t.Errorf("there are no %s", kind)
		}
		for name, schema := range byName {
			t.Run(kind+"/"+name, func(t *testing.T) {
				d := descriptions{T: t, ofResource: kind == "resources"}
				d.block("", schema.Block)
				if d.seen == 0 {
					t.Error("there are no attributes")
				}
			})
		}
	}
}

// descriptions checks those of one schema.
type descriptions struct {
	*testing.T
	ofResource bool
	seen       int
}

func (d *descriptions) block(at string, block *tfprotov6.SchemaBlock) {
	if block.Description == "" {
		d.Errorf("%q has no description", at)
	}
	d.attributes(at, block.Attributes, false)
	for _, inside := range block.BlockTypes {
		d.block(at+inside.TypeName+".", inside.Block)
	}
}

// saysWhatChanges is how descriptions say what a change does.
var saysWhatChanges = regexp.MustCompile(`(?i)\bchange`)

// attributes checks a level of attributes. What a change of them does may be said by
// the attribute around them.
func (d *descriptions) attributes(at string, attributes []*tfprotov6.SchemaAttribute, changesAreSaid bool) {
	for _, attribute := range attributes {
		d.seen++
		path, said := at+attribute.Name, changesAreSaid || saysWhatChanges.MatchString(attribute.Description)
		switch argument := d.ofResource && (attribute.Optional || attribute.Required); {
		case attribute.Description == "":
			d.Errorf("%s has no description", path)
		case argument && !said:
			d.Errorf("%s does not say what a change does: %s", path, attribute.Description)
		case argument && attribute.Optional && attribute.NestedType == nil && !strings.Contains(attribute.Description, "\n"):
			d.needDefault(path, attribute.Description)
		}
		d.inside(path, attribute.Description)
		if attribute.NestedType != nil {
			d.attributes(path+".", attribute.NestedType.Attributes, said)
		}
	}
}

func (d *descriptions) needDefault(path, description string) {
	if !strings.Contains(description, "Default: ") {
		d.Errorf("%s does not say what its default is: %s", path, description)
	}
}

// documented is how the description of a dynamic attribute describes an attribute
// inside (apifields.Structured).
var documented = regexp.MustCompile("(?m)^( *)- `([a-z0-9_]+)` \\((optional|required)\\) ?(.*)$")

// inside checks what a description says of attributes inside, which have none of
// their own in the schema.
func (d *descriptions) inside(path, description string) {
	found := documented.FindAllStringSubmatchIndex(description, -1)
	for i, match := range found {
		group := func(n int) string { return description[match[2*n]:match[2*n+1]] }
		d.seen++
		path := path + ".*." + group(2)
		isLeaf := i == len(found)-1 || found[i+1][3]-found[i+1][2] <= match[3]-match[2]
		switch {
		case strings.TrimSpace(group(4)) == "":
			d.Errorf("%s has no description", path)
		case d.ofResource && isLeaf && group(3) == "optional":
			d.needDefault(path, group(4))
		}
	}
}

// An attribute whose change replaces the resource says so.
func TestDescriptionsOfReplacement(t *testing.T) {
	checked := 0
	for _, newResource := range New("test", nil)().Resources(t.Context()) {
		var metadata resource.MetadataResponse
		newResource().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: TypeName}, &metadata)
		var resp resource.SchemaResponse
		newResource().Schema(t.Context(), resource.SchemaRequest{}, &resp)
		for name, attribute := range resp.Schema.Attributes {
			if !replaces(t.Context(), attribute) {
				continue
			}
			checked++
			if !strings.Contains(attribute.GetMarkdownDescription(), "change replaces") {
				t.Errorf("%s.%s does not say that a change replaces the resource: %s", metadata.TypeName, name, attribute.GetMarkdownDescription())
			}
		}
	}
	if checked == 0 {
		t.Error("no attribute's change replaces its resource")
	}
}

// replaces says whether one of the attribute's plan modifiers, each type of which is
// another interface, is the framework's RequiresReplace.
func replaces(ctx context.Context, attribute any) bool {
	modifiers := reflect.ValueOf(attribute).FieldByName("PlanModifiers")
	for i := range modifiers.Len() {
		modifier, ok := modifiers.Index(i).Interface().(interface{ Description(context.Context) string })
		if ok && strings.Contains(modifier.Description(ctx), "destroy and recreate") {
			return true
		}
	}
	return false
}
