// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

var (
	podBlocks     = []string{"spec", "clusterNetwork", "pods", "cidrBlocks"}
	serviceBlocks = []string{"spec", "clusterNetwork", "services", "cidrBlocks"}
)

// networkOf is the network that the model declares: what its Cluster has, if all of that is known.
func (m *model) networkOf(cluster *clusterv1.Cluster) (clusterv1.ClusterNetwork, error) {
	if cluster == nil {
		return m.network()
	}
	return cluster.Spec.ClusterNetwork, nil
}

// network is the network that the model declares. The error is tfkit.ErrUnknown
// if not all of it is known.
func (m *model) network() (clusterv1.ClusterNetwork, error) {
	content, err := fields.Encode(shape, map[string]attr.Value{"cluster_network": m.ClusterNetwork})
	if err != nil {
		return clusterv1.ClusterNetwork{}, err
	}
	plugin, err := m.cni()
	if err != nil {
		return clusterv1.ClusterNetwork{}, err
	}
	obj := &unstructured.Unstructured{Object: content}
	plugin.declarePods(obj)
	cluster, err := typed(obj)
	return cluster.Spec.ClusterNetwork, err
}

// declarePods gives kindnet the pod networks that it needs, if none are declared.
func (c cni) declarePods(cluster *unstructured.Unstructured) {
	pods, _, _ := unstructured.NestedStringSlice(cluster.Object, podBlocks...)
	if c.name == cniKindnet && len(pods) == 0 {
		// What is in the way is no network, which the admission code says.
		_ = unstructured.SetNestedStringSlice(cluster.Object, defaultPods(cluster.Object), podBlocks...)
	}
}

func defaultPods(cluster map[string]any) []string {
	services, _, _ := unstructured.NestedStringSlice(cluster, serviceBlocks...)
	return topology.DefaultPods(services)
}

// withoutDefaultPods leaves out the pod networks that a configuration need not
// declare.
func withoutDefaultPods(annotations map[string]string, content map[string]any) {
	pods, _, _ := unstructured.NestedStringSlice(content, podBlocks...)
	if annotations[dockerv1.CNIAnnotation] != dockerv1.CNINodeImage || !slices.Equal(pods, defaultPods(content)) {
		return
	}
	unstructured.RemoveNestedField(content, "spec", "clusterNetwork", "pods")
	if network, _, _ := unstructured.NestedMap(content, "spec", "clusterNetwork"); len(network) == 0 {
		unstructured.RemoveNestedField(content, "spec", "clusterNetwork")
	}
}

// checkNetwork refuses a network that no cluster works with, and to change the one
// of a cluster whose control plane is initialised.
func (p *planning) checkNetwork(ctx context.Context, known record) diag.Diagnostics {
	planned, err := p.plan.networkOf(p.cluster)
	if err != nil {
		// It is not known, or no network, which validate says.
		return nil
	}
	if p.state != nil {
		declared, err := p.state.networkOf(p.before)
		if err != nil {
			return nil
		}
		changes := topology.NetworkChanges(declared, planned)
		if p.networkKept = len(changes) == 0; p.networkKept {
			return p.checkEndpoint(known)
		}
		if initial := p.initialNetwork(ctx, known, declared); initial != nil {
			p.networkKept = true
			return append(p.refuseNetwork(changes, topology.NetworkChanges(*initial, planned)), p.checkEndpoint(known)...)
		}
	}
	return problemDiagnostics(topology.ValidateNetwork(planned), p.desired)
}

// initialNetwork is the network that the control plane was initialised with, nil
// if it was not yet: it is recorded, or is what the state declares.
func (p *planning) initialNetwork(ctx context.Context, known record, declared clusterv1.ClusterNetwork) *clusterv1.ClusterNetwork {
	if known.Network != nil {
		return known.Network
	}
	condition := p.state.Conditions.Elements()[clusterv1.ClusterControlPlaneInitializedCondition]
	if condition != nil && condition.Equal(nonEmpty(string(metav1.ConditionTrue))) {
		return &declared
	}
	if found, _ := p.live(ctx); found != nil && live.IsInitialized(found) {
		return &declared
	}
	return nil
}

// refuseNetwork refuses the planned changes, but for those that lead back to the
// network that the cluster was initialised with.
func (p *planning) refuseNetwork(changes, effective []topology.NetworkChange) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, change := range effective {
		planned := slices.ContainsFunc(changes, func(c topology.NetworkChange) bool { return c.Field == change.Field })
		if !planned {
			continue
		}
		attribute := fields.AttributePath(shape, nil, change.Field)
		diags.AddAttributeError(attribute, "Network of a cluster cannot change", fmt.Sprintf(
			"%s: %s has %s since its control plane was initialised, and this cannot become %s: neither Cluster API nor kubeadm changes the network of a cluster that runs. "+
				"Take the change back, or make the cluster anew.%s",
			attribute, p.plan.object(), cmp.Or(change.From, "none"), cmp.Or(change.To, "none"), p.defaultPodsHint(change)))
	}
	return diags
}

// defaultPodsHint says how to keep a pod network that went with kindnet.
func (p *planning) defaultPodsHint(change topology.NetworkChange) string {
	if change.From == "" || !strings.Contains(change.Field, ".pods.") || !p.plan.ClusterNetwork.IsNull() && change.To != "" {
		return ""
	}
	return fmt.Sprintf(" To keep it, declare cluster_network = { pods = [%q] }.", change.From)
}

// checkEndpoint warns of another endpoint, which only what is made from now on
// uses. Whether the old one goes on to answer only its administrator knows.
func (p *planning) checkEndpoint(known record) diag.Diagnostics {
	if p.cluster == nil || known.Endpoint == "" {
		return nil
	}
	planned := p.cluster.Spec.ControlPlaneEndpoint
	if !planned.IsValid() || planned.String() == known.Endpoint {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("control_plane_endpoint"), "Endpoint of a cluster changes", fmt.Sprintf(
		"%s is reached at %s, and the nodes and certificates that it has know no other endpoint. Make sure that the certificates are valid for %s and that both lead to the control plane.",
		p.plan.object(), known.Endpoint, planned.String()))}
}
