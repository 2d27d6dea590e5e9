// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	corev1 "k8s.io/api/core/v1"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
)

// documentStart begins a YAML document. Cluster API's reader takes every line that
// begins like this for one.
var documentStart = regexp.MustCompile(`(?m)^---`)

// splitManifest splits a manifest between its documents into parts that a Secret
// can hold. Together they are the manifest, byte for byte. The error is about a
// document that is too large by itself.
func splitManifest(manifest string) ([]string, error) {
	var parts []string
	begin, end := 0, 0
	for _, next := range append(documentStart.FindAllStringIndex(manifest, -1), []int{len(manifest)}) {
		if next[0]-begin > corev1.MaxSecretSize && end > begin {
			parts = append(parts, manifest[begin:end])
			begin = end
		}
		end = next[0]
		if size := end - begin; size > corev1.MaxSecretSize {
			return nil, fmt.Errorf("it has a document of %d bytes; a Secret, by which Cluster API gets it, holds %d at most", size, corev1.MaxSecretSize)
		}
	}
	return append(parts, manifest[begin:]), nil
}

// checkManifest returns why Cluster API could not apply the manifest.
func checkManifest(manifest string) error {
	line := strings.TrimSpace(manifest)
	switch {
	case line == "":
		return errors.New("it is empty")
	case strings.HasPrefix(line, "http://"), strings.HasPrefix(line, "https://"):
		return errors.New(`it is a URL and not a manifest; use the response_body of a data "http"`)
	case !strings.ContainsAny(line, "\n:{"):
		return fmt.Errorf("it is not a manifest; if it is the path of one, use file(%q)", line)
	}
	objects, err := utilyaml.ToUnstructured([]byte(manifest))
	if err != nil {
		// What wraps the cause has the whole document, which may be a Secret.
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			err = cause
		}
		return fmt.Errorf("it is not YAML: %w", err)
	}
	if len(objects) == 0 {
		return errors.New("it has no objects")
	}
	for i, obj := range objects {
		for _, field := range []struct{ name, value string }{
			{"apiVersion", obj.GetAPIVersion()}, {"kind", obj.GetKind()}, {"metadata.name", obj.GetName()},
		} {
			if field.value == "" {
				return fmt.Errorf("document %d of %d has no %s", i+1, len(objects), field.name)
			}
		}
	}
	_, err = splitManifest(manifest)
	return err
}

// checkManifests refuses manifests that Cluster API could not apply. Those that
// the state has were applied before.
func checkManifests(plan model, state *model) diag.Diagnostics {
	if state != nil && plan.CNI.Equal(state.CNI) {
		return nil
	}
	list, _ := plan.CNI.Attributes()["manifests"].(types.List)
	var diags diag.Diagnostics
	for i, element := range list.Elements() {
		manifest, _ := element.(types.String)
		if manifest.IsUnknown() || isKept(element, state) {
			continue
		}
		if err := checkManifest(manifest.ValueString()); err != nil {
			at := path.Root("cni").AtName("manifests").AtListIndex(i)
			diags.AddAttributeError(at, "Invalid manifest", fmt.Sprintf("%s: %s", at, apifields.Sentence(err.Error())))
		}
	}
	return diags
}

func isKept(manifest attr.Value, state *model) bool {
	if state == nil {
		return false
	}
	list, _ := state.CNI.Attributes()["manifests"].(types.List)
	for _, element := range list.Elements() {
		if element.Equal(manifest) {
			return true
		}
	}
	return false
}
