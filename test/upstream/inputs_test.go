// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"slices"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlcluster "sigs.k8s.io/cluster-api/cmd/clusterctl/client/cluster"
	"sigs.k8s.io/cluster-api/test/e2e"
	"sigs.k8s.io/cluster-api/test/framework"
)

// expectResilience returns a check of a finished cluster: what its objects need, controllers put back when it is taken
// away, and when nothing happens, nothing is written.
func expectResilience(hasClass bool) func(framework.ClusterProxy, string, string) {
	return func(management framework.ClusterProxy, namespace, name string) {
		belongsToCluster := clusterctlcluster.FilterClusterObjectsWithNameFilter(name)
		owners := []map[string]func(types.NamespacedName, []metav1.OwnerReference) error{
			framework.CoreOwnerReferenceAssertion,
			framework.ExpOwnerReferenceAssertions,
			framework.DevInfraOwnerReferenceAssertions(hasClass),
			framework.KubeadmBootstrapOwnerReferenceAssertions,
			framework.KubeadmControlPlaneOwnerReferenceAssertions(hasClass),
			framework.KubernetesReferenceAssertions,
		}
		framework.ValidateOwnerReferencesResilience(ctx, management, namespace, name, belongsToCluster, owners...)
		framework.ValidateOwnerReferencesOnUpdate(ctx, management, namespace, name, belongsToCluster, owners...)

		coreFinalizers := framework.CoreFinalizersAssertionWithLegacyClusters
		if hasClass {
			coreFinalizers = framework.CoreFinalizersAssertionWithClassyClusters
		}
		framework.ValidateFinalizersResilience(ctx, management, namespace, name, belongsToCluster,
			coreFinalizers, framework.KubeadmControlPlaneFinalizersAssertion, framework.ExpFinalizersAssertion, framework.DevInfraFinalizersAssertion)

		framework.ValidateResourceVersionStable(ctx, framework.ValidateResourceVersionStableInput{
			ClusterProxy:             management,
			Namespace:                namespace,
			OwnerGraphFilterFunction: belongsToCluster,
			WaitToBecomeStable:       suite.config.GetIntervals("quick-start", "wait-resource-versions-become-stable"),
			WaitToRemainStable:       suite.config.GetIntervals("quick-start", "wait-resource-versions-remain-stable"),
		})
	}
}

// attachVolumes tells every node of the cluster that a volume is attached, which nobody will detach.
func attachVolumes(ctx context.Context, management framework.ClusterProxy, cluster *clusterv1.Cluster) {
	workload := management.GetWorkloadCluster(ctx, cluster.Namespace, cluster.Name).GetClient()
	nodes := &corev1.NodeList{}
	Expect(workload.List(ctx, nodes)).To(Succeed())
	for _, node := range nodes.Items {
		attachment := &storagev1.VolumeAttachment{
			ObjectMeta: metav1.ObjectMeta{Name: node.Name, Finalizers: []string{"test.cluster.x-k8s.io/block"}},
			Spec: storagev1.VolumeAttachmentSpec{
				Attacher: "nobody",
				NodeName: node.Name,
				Source:   storagev1.VolumeAttachmentSource{PersistentVolumeName: ptr.To("none")},
			},
		}
		Expect(workload.Create(ctx, attachment)).To(Succeed())
		attachment.Status.Attached = true
		Expect(workload.Status().Update(ctx, attachment)).To(Succeed())
	}
}

// deletionPhases is the order in which the parts of a cluster go: the workers, the control plane, the infrastructure.
// The blocking ones are held by the spec, to see that the next phase waits for them.
var deletionPhases = []e2e.ClusterDeletionPhase{
	{
		ObjectFilter: func(object corev1.ObjectReference, owners []metav1.OwnerReference) bool {
			return isKind(object, "MachineDeployment", "MachineSet") || isMachineOf(object, owners, "MachineDeployment", "MachineSet")
		},
		BlockingObjectFilter: isMachine,
	},
	{
		ObjectFilter: func(object corev1.ObjectReference, owners []metav1.OwnerReference) bool {
			return isKind(object, "KubeadmControlPlane") || isMachineOf(object, owners, "KubeadmControlPlane")
		},
		BlockingObjectFilter: isMachine,
	},
	{
		ObjectFilter:         isInfrastructure,
		BlockingObjectFilter: isInfrastructure,
	},
}

func isMachine(object corev1.ObjectReference, _ []metav1.OwnerReference) bool {
	return isKind(object, "Machine")
}

func isInfrastructure(object corev1.ObjectReference, _ []metav1.OwnerReference) bool {
	return isKind(object, "DevCluster")
}

func isMachineOf(object corev1.ObjectReference, owners []metav1.OwnerReference, kinds ...string) bool {
	return isKind(object, "Machine") && slices.ContainsFunc(owners, func(owner metav1.OwnerReference) bool {
		return slices.Contains(kinds, owner.Kind)
	})
}

func isKind(object corev1.ObjectReference, kinds ...string) bool {
	return slices.Contains(kinds, object.Kind)
}
