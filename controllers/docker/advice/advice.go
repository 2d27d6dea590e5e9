// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package advice says what helps when a cluster of the Docker provider does not get on: to those who see of it no more
// than what Cluster API passes on, such as the kinds of objects, and the reasons and messages of conditions.
package advice

import (
	"fmt"
	"slices"
	"strings"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Serves tells whether the Docker provider's reconcilers serve the kind, so that what its conditions say is the provider's.
func Serves(kind string) bool {
	return slices.Contains([]string{"DockerMachine", "DevMachine", "DockerCluster", "DevCluster"}, kind)
}

// Outlook is what becomes of a condition that is false if nobody does anything.
type Outlook int

const (
	// Pending means: it is to be waited for; or another provider's, whose reasons this package does not know.
	Pending Outlook = iota
	// Retried means: the controllers try again, and succeed if what failed, such as a registry, works in the meantime.
	Retried
	// NeedsHelp means: it stays false until the object is replaced or a person changes something.
	NeedsHelp
)

// Judge returns the outlook of a condition of an object of the kind that is false for the reason. Deleting says that a
// machine of the same cluster is being deleted: it may be the one that has a port.
func Judge(kind, reason string, deleting bool) Outlook {
	switch {
	case !Serves(kind), reason == infrav1.HostPortInUseReason && deleting:
		return Pending
	case infrav1.NeedsHelp(reason):
		return NeedsHelp
	case reason == infrav1.ImagePullFailedReason:
		return Retried
	}
	return Pending
}

// remedies are what helps against what messages of conditions say, for a user of the Terraform resources. Nothing but the
// message tells these cases apart from outside.
var remedies = []struct{ says, remedy string }{
	{"cannot be pulled", "An image is missing: docker pull it on the Docker host, or docker load it there, or name one that exists " +
		"(topology.version, or spec.customImage of the machine template)."},
	{container.ErrPortTaken.Error(), "A port of the Docker host is in use: free it, or declare another hostPort in extraPortMappings of the machine template, or none, " +
		"for Docker to choose one. A machine that replaces another one gets its port only if that goes first: set rollout.strategy.rolling_update.max_surge = 0."},
	{"does not belong to", "A container of another cluster has the name, left behind perhaps by a management cluster that was deleted. " +
		"\"terraform-provider-capi orphans\" lists what is left of such clusters, and removes it with --remove."},
	{"was removed and its data with it", "The container was removed, but not by Cluster API. Delete its Machine in the management cluster, which replaces it; " +
		"a health_check does so by itself. To be rid of a cluster, destroy the resource, not its containers."},
	{"exit code 137", "The container was killed, mostly for want of memory: give Docker more of it (4 GB for a management cluster and a small cluster), or declare fewer machines."},
}

// Remedies returns what helps against what the messages say, each once; messages are those of any number of conditions,
// joined.
func Remedies(messages string) []string {
	var texts []string
	for _, known := range remedies {
		if strings.Contains(messages, known.says) {
			texts = append(texts, known.remedy)
		}
	}
	return texts
}

// Commands returns the commands that tell more about the machine with the provider id, for a shell on the Docker host. There
// are none if it is no container of the Docker provider.
func Commands(providerID string) []string {
	name := identity.ContainerName(providerID)
	if name == "" {
		return nil
	}
	return []string{"docker logs " + name, fmt.Sprintf("docker exec %s journalctl -u kubelet --no-pager -n 50", name)}
}
