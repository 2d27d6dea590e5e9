// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

var versionPath = path.Root("topology").AtName("version")

// skipsVersionCheck says that the configuration switches off Cluster API's check of
// how a version changes, with upstream's annotation.
func (m *model) skipsVersionCheck() bool {
	_, annotated := m.Annotations.Elements()[clusterv1.ClusterTopologyUnsafeUpdateVersionAnnotation]
	return annotated
}

// versionBefore is the version from which the planned one is to be reached: that of
// the state, unless no machine has ever run it. Then it is the highest one that
// machines run, and to itself if they run none: any version will do. Who cannot be
// asked leaves it open, which is worth a warning if it matters.
func (p *planning) versionBefore(ctx context.Context, from, to string) (string, diag.Diagnostics) {
	switch {
	case from == to:
		return from, nil
	case p.plan.skipsVersionCheck():
		return to, nil
	}
	if f := p.observe(ctx); f != nil {
		newest, abandons := f.Abandons(from)
		if p.abandons = abandons; !abandons {
			return from, nil
		}
		return cmp.Or(newest, to), nil
	}
	if p.state.provesVersion(from) {
		return from, nil
	}
	problems := topology.ValidateVersion(from, to, cmp.Or(classOf(p.class.After), p.noted)) //nolint:contextcheck // Nothing is asked for.
	var diags diag.Diagnostics
	for _, problem := range topology.Known(problems) {
		diags.AddAttributeWarning(versionPath, "Version may be refused", fmt.Sprintf(
			"%s: %s The management cluster does not say which versions machines run. The apply is refused unless no machine has ever run %s.",
			versionPath, apifields.Sentence(problem.Message), from))
	}
	return to, diags
}

// observe looks at the cluster, nil if it cannot.
func (p *planning) observe(ctx context.Context) *live.Facts {
	if p.mgmt == nil {
		return nil
	}
	f, err := live.Observe(ctx, p.mgmt, p.plan.key())
	if err != nil {
		return nil
	}
	return f
}

// provesVersion says that, as far as is known, machines run the version.
func (m *model) provesVersion(version string) bool {
	running, _ := m.Replicas.Attributes()["control_plane"].(types.Int64)
	return m.Ready.ValueBool() ||
		m.KubernetesVersions.Equal(stringList([]string{version})) && running.ValueInt64() > 0
}
