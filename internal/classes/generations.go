// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// generationsBefore is how the clusters of a class were when this session changed the class (plannedKey of a cluster to
// live.Generations). Nothing about a Cluster says whether Cluster API has taken note of a new class yet, but the objects of
// the machine sets that roll change.
type generationsBefore struct{ sync.Map }

// GenerationsBefore returns what a cluster's machine sets were at when its class was changed, nil if the plan that is being
// applied does not change the class.
func GenerationsBefore(s *session.Session, id types.String, class, cluster client.ObjectKey) live.Generations {
	planned, _ := session.Part[plannedClasses](s).Load(keyOf(id, class))
	if planned, ok := planned.(Planned); !ok || !planned.Changes {
		return nil
	}
	value, _ := session.Part[generationsBefore](s).Load(keyOf(id, cluster))
	generations, _ := value.(live.Generations)
	return generations
}

// NoteGenerations remembers the clusters of a class that is about to change, in the management cluster with the given id.
func NoteGenerations(ctx context.Context, s *session.Session, mgmt *management.Cluster, id types.String, class client.ObjectKey) error {
	clusters, err := Users(ctx, mgmt, class)
	if err != nil {
		return err
	}
	snapshots := map[string]*live.Snapshot{}
	for i := range clusters {
		key := client.ObjectKeyFromObject(&clusters[i])
		if snapshots[key.Namespace] == nil {
			if snapshots[key.Namespace], err = live.TakeSnapshot(ctx, mgmt, key.Namespace); err != nil {
				return err
			}
		}
		facts, err := snapshots[key.Namespace].Facts(key)
		if err != nil {
			continue // It has gone meanwhile.
		}
		session.Part[generationsBefore](s).Store(keyOf(id, key), facts.Generations())
	}
	return nil
}
