// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

var writeOnlyPath = path.Root("cni").AtName("manifests_wo")

// withWriteOnly adds the manifests that no plan has, from the configuration.
func (c cni) withWriteOnly(ctx context.Context, config tfsdk.Config) (cni, diag.Diagnostics) {
	if c.version == nil {
		return c, nil
	}
	manifests, diags := writeOnlyManifests(ctx, config)
	for _, manifest := range manifests {
		c.manifests = append(c.manifests, manifest.ValueString())
	}
	return c, diags
}

func writeOnlyManifests(ctx context.Context, config tfsdk.Config) ([]types.String, diag.Diagnostics) {
	var list types.List
	diags := config.GetAttribute(ctx, writeOnlyPath, &list)
	if diags.HasError() || list.IsNull() || list.IsUnknown() {
		return nil, diags
	}
	var manifests []types.String
	diags.Append(list.ElementsAs(ctx, &manifests, false)...)
	return manifests, diags
}

// isKept says that the plugin stays as it was applied: its version is the same, and
// the manifests themselves may be others each time.
func (c cni) isKept(state cni) bool {
	return c.version != nil && ptr.Equal(c.version, state.version)
}

// checkWriteOnly refuses manifests that Cluster API could not apply, without a word of
// what they say. Those of the version of the state were applied before.
func checkWriteOnly(ctx context.Context, config tfsdk.Config, plan model, state *model) diag.Diagnostics {
	planned, err := plan.cni()
	if err != nil || planned.version == nil {
		return nil
	}
	if state != nil {
		if before, err := state.cni(); err == nil && planned.isKept(before) {
			return nil
		}
	}
	manifests, diags := writeOnlyManifests(ctx, config)
	for i, manifest := range manifests {
		if manifest.IsUnknown() {
			continue
		}
		if err := checkManifest(manifest.ValueString()); err != nil {
			var secrets redact.Contents
			secrets.Add(manifest.ValueString())
			secrets.AddValue(manifest.ValueString())
			at := writeOnlyPath.AtListIndex(i)
			diags.AddAttributeError(at, "Invalid manifest", fmt.Sprintf("%s: %s", at, apifields.Sentence(secrets.Text(err.Error()))))
		}
	}
	return diags
}

// appliedVersion is the version of the write-only manifests, nil if they are not what
// was applied any more. The API server knows that without what they say: whoever
// changes a field takes it from who applied it.
func appliedVersion(set *addonsv1.ClusterResourceSet, own map[string]*corev1.Secret) *int64 {
	version, err := strconv.ParseInt(set.Annotations[versionAnnotation], 10, 64)
	if err != nil || !isAsApplied(set, "spec", "resources") {
		return nil
	}
	for _, ref := range set.Spec.Resources {
		secret, found := own[ref.Name]
		if !found || !isAsApplied(secret, "data", manifestKey) {
			return nil
		}
	}
	return &version
}

// isAsApplied says that a field of the object is as Terraform applied it.
func isAsApplied(obj client.Object, field ...string) bool {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return false
	}
	owned, _, err := management.Owned(&unstructured.Unstructured{Object: content})
	if err != nil {
		return false
	}
	_, found, _ := unstructured.NestedFieldNoCopy(owned, field...)
	return found
}
