// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"net"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/advice"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// checkRendered refuses what the objects that come of the Cluster do not go with: a
// network that kubeadm or the Docker network leaves no room for, and failure domains
// that there are not.
func (p *planning) checkRendered(ctx context.Context, rendered *topology.Rendering) diag.Diagnostics {
	if rendered == nil {
		return nil
	}
	var problems []topology.Problem
	isDocker := advice.Serves(rendered.InfrastructureKind())
	if !p.networkKept {
		problems = rendered.ValidateKubeadmNetwork()
		if isDocker {
			if address := p.dockerAddress(ctx); address != nil {
				problems = append(problems, topology.ValidateNodeNetwork(p.cluster.Spec.ClusterNetwork, address)...)
			}
		}
	}
	uses := topology.FailureDomainUses(p.before, p.cluster)
	if len(uses) == 0 {
		return problemDiagnostics(problems, p.desired)
	}
	domains := rendered.FailureDomains()
	if len(domains) == 0 {
		domains = p.liveFailureDomains(ctx)
	}
	diags := problemDiagnostics(append(problems, topology.ValidateFailureDomains(uses, domains)...), p.desired)
	if len(domains) > 0 || !isDocker {
		return diags
	}
	for _, use := range uses {
		attribute := fields.AttributePath(shape, p.desired.Object, use.Field)
		diags.AddAttributeWarning(attribute, "Failure domain has no effect", fmt.Sprintf(
			"%s: the class's %s declares no failure domains, so that %q has no effect on where the machines of %s run. Declare spec.failureDomains in its template, or leave it out.",
			attribute, rendered.InfrastructureKind(), use.Domain, use.Set))
	}
	return diags
}

// dockerAddress is an address on the Docker network that all clusters of a management
// cluster share: where another one of them is reached. It is nil if none is known.
func (p *planning) dockerAddress(ctx context.Context) net.IP {
	clusters := &clusterv1.ClusterList{}
	if p.mgmt == nil || p.mgmt.List(ctx, clusters) != nil {
		return nil
	}
	for _, cluster := range clusters.Items {
		if address := net.ParseIP(cluster.Spec.ControlPlaneEndpoint.Host); address != nil && advice.Serves(cluster.Spec.InfrastructureRef.Kind) {
			return address
		}
	}
	return nil
}

// liveFailureDomains are those that the infrastructure of the cluster has reported.
func (p *planning) liveFailureDomains(ctx context.Context) []string {
	found, _ := p.live(ctx)
	if p.state == nil || found == nil {
		return nil
	}
	var names []string
	for _, domain := range found.Status.FailureDomains {
		names = append(names, domain.Name)
	}
	return names
}
