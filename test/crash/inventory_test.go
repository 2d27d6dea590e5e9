// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownKinds are what the API server makes and changes by itself.
var ownKinds = []string{"Event", "Lease", "APIService", "FlowSchema", "PriorityLevelConfiguration", "Endpoints", "EndpointSlice", "IPAddress", "StorageVersion"}

// inventory are all objects of the API server that bear a name or begin with it, with
// their UIDs: one that was replaced is not the one that it was. Where a run is alone
// it is all objects. What has no owner any more is collected first, as the controller
// does that an API server alone does not have.
func inventory(t *testing.T, on *suite, name string, all bool) []string {
	t.Helper()
	began := time.Now()
	for {
		objects := list(t, on)
		uids := map[string]bool{}
		for i := range objects {
			uids[string(objects[i].UID)] = true
		}
		objects = slices.DeleteFunc(objects, func(o metav1.PartialObjectMetadata) bool {
			return !all && o.Name != name && !strings.HasPrefix(o.Name, name+"-")
		})
		collected := false
		for i := range objects {
			owners := objects[i].OwnerReferences
			if len(owners) == 0 || slices.ContainsFunc(owners, func(o metav1.OwnerReference) bool { return uids[string(o.UID)] }) {
				continue
			}
			collected = true
			if err := on.Cluster.Delete(t.Context(), &objects[i]); client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
		}
		if !collected && (!isGoing(objects) || time.Since(began) > goingTimeout) {
			return names(objects)
		}
	}
}

// goingTimeout is generous for what is being deleted and held by nothing.
const goingTimeout = 30 * time.Second

// isGoing says whether an object is being deleted: it may take the API server a moment.
func isGoing(objects []metav1.PartialObjectMetadata) bool {
	return slices.ContainsFunc(objects, func(o metav1.PartialObjectMetadata) bool { return o.DeletionTimestamp != nil })
}

func names(objects []metav1.PartialObjectMetadata) []string {
	var lines []string
	for i := range objects {
		lines = append(lines, strings.Join([]string{objects[i].Kind, client.ObjectKeyFromObject(&objects[i]).String(), string(objects[i].UID)}, " "))
	}
	slices.Sort(lines)
	return lines
}

func list(t *testing.T, on *suite) []metav1.PartialObjectMetadata {
	t.Helper()
	kinds, err := discovery.NewDiscoveryClientForConfigOrDie(on.Cluster.RESTConfig).WithLegacy().ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		t.Fatal(err)
	}
	var objects []metav1.PartialObjectMetadata
	for _, group := range kinds {
		for _, kind := range group.APIResources {
			if !slices.Contains(kind.Verbs, "list") || !slices.Contains(kind.Verbs, "delete") || slices.Contains(ownKinds, kind.Kind) {
				continue
			}
			found := &metav1.PartialObjectMetadataList{}
			gvk := schema.FromAPIVersionAndKind(group.GroupVersion, kind.Kind)
			found.SetGroupVersionKind(gvk.GroupVersion().WithKind(kind.Kind + "List"))
			if err := on.Cluster.List(context.WithoutCancel(t.Context()), found); err != nil {
				continue // The kind has gone meanwhile.
			}
			for i := range found.Items {
				found.Items[i].SetGroupVersionKind(gvk)
				objects = append(objects, found.Items[i])
			}
		}
	}
	return objects
}
