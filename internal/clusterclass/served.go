// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// unserved refuses templates whose kind the management cluster serves in other
// versions only. A kind that it does not serve at all, or in the version of a
// bundled provider, may come with a capi_provider of the same apply.
func (r *rendered) unserved(mgmt *management.Cluster) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, role := range slices.Sorted(maps.Keys(r.templates)) {
		gvk := r.templates[role].GroupVersionKind()
		if _, err := mgmt.RESTMapper().RESTMapping(gvk.GroupKind(), gvk.Version); !meta.IsNoMatchError(err) || isBundled(gvk) {
			continue
		}
		served, err := mgmt.RESTMapper().RESTMappings(gvk.GroupKind())
		if err != nil || len(served) == 0 {
			continue
		}
		var versions []string
		for _, mapping := range served {
			versions = append(versions, mapping.GroupVersionKind.GroupVersion().String())
		}
		diags.Append(r.atTemplate(role, fmt.Sprintf("The management cluster serves no %s of %s, which is the template for %s, but %s. Write it in that version.",
			gvk.Kind, gvk.GroupVersion(), r.describe(role), strings.Join(versions, ", "))))
	}
	return diags
}

// isBundled says whether a bundled provider serves a kind in this version.
func isBundled(gvk schema.GroupVersionKind) bool {
	version, err := config.CRDVersion(gvk)
	return err == nil && version != nil && version.Served
}
