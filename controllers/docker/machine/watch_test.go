// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func TestEventToMachines(t *testing.T) {
	forEachVariant(t, func(e *environment) {
		e.mustReconcile()
		labels := e.engine.Spec(node).Labels
		find := func(action string) []client.Object {
			return e.reconciler.eventToMachines(ctx, container.Event{Action: action, Labels: labels})
		}
		machine := And(BeAssignableToTypeOf(e.variant.NewObject()), HaveField("ObjectMeta.Name", "dm-1"))
		e.Expect(find("die")).To(ConsistOf(machine))
		e.Expect(find("start")).To(ConsistOf(machine), "all of the cluster")

		e.Expect(e.client.Delete(ctx, e.object().TranslateBack())).To(Succeed())
		e.mustReconcile()
		e.Expect(find("start")).To(BeEmpty())
		labels = nil
		e.Expect(find("die")).To(BeEmpty(), "it is not ours")
	})
}

func TestInfrastructureToMachines(t *testing.T) {
	forEachVariant(t, func(e *environment) {
		for _, variant := range variants.Clusters {
			infrastructure := variant.Named("default", "test")
			infrastructure.SetOwnerReferences([]metav1.OwnerReference{{Kind: "Cluster", Name: "test"}})
			e.Expect(e.reconciler.infrastructureToMachines(ctx, infrastructure)).To(ConsistOf(
				ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "dm-1"}}))
		}
	})
}
