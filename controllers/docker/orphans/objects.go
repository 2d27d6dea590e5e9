// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// objectsTimeout is what a management cluster has to list its objects.
const objectsTimeout = time.Minute

// objectsCommand lists Clusters, and everything that a container may have been made for. It fails if any of the kinds is not
// served: a list without it proves nothing.
var objectsCommand = []string{"kubectl", "--kubeconfig=" + adminKubeconfig, "--request-timeout=30s", "get",
	"clusters.cluster.x-k8s.io,dockerclusters.infrastructure.cluster.x-k8s.io,devclusters.infrastructure.cluster.x-k8s.io," +
		"dockermachines.infrastructure.cluster.x-k8s.io,devmachines.infrastructure.cluster.x-k8s.io",
	"--all-namespaces", "--output=json"}

// objects are what a management cluster has.
type objects struct {
	uids map[types.UID]bool
	// machines are named by namespace and name, infrastructures by namespace and name of their Cluster.
	machines, infrastructures map[string]bool
	// clusters are the Clusters; the value tells whether one is paused.
	clusters map[string]bool
	// err is why they could not be listed.
	err error
}

// item is an object as kubectl prints it.
type item struct {
	metav1.PartialObjectMetadata
	Spec struct {
		Paused bool `json:"paused"`
	} `json:"spec"`
}

// askObjects asks the management clusters of members that answer for their objects.
func (p controlPlanes) askObjects(ctx context.Context, engine Engine, members []member) (map[types.UID]objects, error) {
	answers := map[types.UID]objects{}
	for _, m := range members {
		uid := m.management.UID
		if _, asked := answers[uid]; asked || p.nodes[uid] == "" {
			continue
		}
		answers[uid] = listObjects(ctx, engine, p.nodes[uid])
	}
	return answers, ctx.Err()
}

// listObjects lists the objects of the management cluster that a control plane container belongs to.
func listObjects(ctx context.Context, engine Engine, name string) objects {
	ctx, cancel := context.WithTimeout(ctx, objectsTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code, err := engine.Exec(ctx, name, container.Exec{Command: objectsCommand, Stdout: &stdout, Stderr: &stderr})
	if err == nil && code != 0 {
		err = fmt.Errorf("kubectl in %s: %s", name, strings.TrimSpace(stderr.String()))
	}
	var list struct {
		Items []item `json:"items"`
	}
	if err == nil {
		err = json.Unmarshal(stdout.Bytes(), &list)
	}
	if err != nil {
		return objects{err: err}
	}
	return indexObjects(list.Items)
}

func indexObjects(items []item) objects {
	o := objects{uids: map[types.UID]bool{}, machines: map[string]bool{}, infrastructures: map[string]bool{}, clusters: map[string]bool{}}
	for _, i := range items {
		o.uids[i.UID] = true
		switch i.Kind {
		case "Cluster":
			_, annotated := i.Annotations[clusterv1.PausedAnnotation]
			o.clusters[i.Namespace+"/"+i.Name] = i.Spec.Paused || annotated
		case "DockerMachine", "DevMachine":
			o.machines[i.Namespace+"/"+i.Name] = true
		default:
			o.infrastructures[i.Namespace+"/"+i.Labels[clusterv1.ClusterNameLabel]] = true
			for _, owner := range i.OwnerReferences {
				o.infrastructures[i.Namespace+"/"+owner.Name] = true
			}
		}
	}
	return o
}

// has tells whether a container may be that of an object: of the one that it was made for, or of one that has its names.
// A move gives an object another UID, so that names count as well.
func (o objects) has(m member) bool {
	namespace := m.Labels[identity.NamespaceLabel] + "/"
	if o.uids[types.UID(m.Labels[identity.ObjectUIDLabel])] {
		return true
	}
	if identity.Role(m.Container) == identity.RoleLoadBalancer {
		return o.infrastructures[namespace+m.Labels[identity.ClusterLabel]]
	}
	return o.machines[namespace+m.Labels[identity.MachineLabel]]
}

// Reasons of clusters and containers that are found.
const (
	reasonNoManagement = "management cluster gone"
	reasonNoObject     = "object gone"
	reasonElsewhere    = "management cluster not on this engine"
	reasonPaused       = "object gone, but Cluster is paused, as during a move"
	reasonBeingMoved   = "object gone, but other containers of the cluster were moved"
)

// judge says why a container of a management cluster that answers may be nobody's: that has no object for it. It is empty if
// it has one. Known is false if the object may be somewhere else.
//
// clusterctl move pauses a Cluster first and deletes it last. So a Cluster that is there and not paused is not being moved.
// If it is gone, the cluster may have been moved to where no controller has written that into its containers yet; so all of
// them have to be without, and the cluster dead (controlPlanes.life).
func (o objects) judge(m member, members []member) (reason string, known bool) {
	if o.err != nil {
		return "management cluster does not list its objects: " + o.err.Error(), false
	}
	if o.has(m) {
		return "", true
	}
	paused, exists := o.clusters[m.Labels[identity.NamespaceLabel]+"/"+m.Labels[identity.ClusterLabel]]
	switch {
	case paused:
		return reasonPaused, false
	case exists:
		return reasonNoObject, true
	}
	for _, other := range members {
		if other.origin() == m.origin() && other.management.UID != m.management.UID {
			return reasonBeingMoved, false
		}
	}
	return reasonNoObject, true
}
