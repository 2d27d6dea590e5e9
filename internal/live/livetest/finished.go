// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package livetest has clusters as a management cluster has them, for tests of what looks at them.
package livetest

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// Version is the one that machines of the clusters run.
const Version = "v1.35.0"

// Cluster is what a management cluster has of a cluster.
type Cluster struct {
	Cluster            *clusterv1.Cluster
	ControlPlane       *unstructured.Unstructured
	MachineDeployments []clusterv1.MachineDeployment
	Machines           []clusterv1.Machine
}

// Finished is a cluster of one control plane machine and two workers of which nothing is missing. Its machine deployment is md-0.
func Finished() Cluster {
	cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Generation: 3}}
	cluster.Spec.Topology = clusterv1.Topology{
		Version:      Version,
		ControlPlane: clusterv1.ControlPlaneTopology{Replicas: ptr.To[int32](1)},
		Workers: clusterv1.WorkersTopology{MachineDeployments: []clusterv1.MachineDeploymentTopology{
			{Name: "md-0", Class: "w", Replicas: ptr.To[int32](2)},
		}},
	}
	cluster.Status.ObservedGeneration = 3
	for conditionType, status := range map[string]metav1.ConditionStatus{
		clusterv1.ClusterTopologyReconciledCondition:    metav1.ConditionTrue,
		clusterv1.ClusterInfrastructureReadyCondition:   metav1.ConditionTrue,
		clusterv1.ClusterControlPlaneAvailableCondition: metav1.ConditionTrue,
		clusterv1.ClusterWorkersAvailableCondition:      metav1.ConditionTrue,
		clusterv1.ClusterRollingOutCondition:            metav1.ConditionFalse,
		clusterv1.ClusterScalingUpCondition:             metav1.ConditionFalse,
		clusterv1.ClusterScalingDownCondition:           metav1.ConditionFalse,
		clusterv1.ClusterAvailableCondition:             metav1.ConditionTrue,
	} {
		SetCondition(&cluster.Status.Conditions, conditionType, status, "AsExpected", "", 3)
	}
	// Cluster API sets it once, and does not look at it again when the Cluster changes.
	SetCondition(&cluster.Status.Conditions, clusterv1.ClusterControlPlaneInitializedCondition, metav1.ConditionTrue, "Initialized", "", 1)
	md := clusterv1.MachineDeployment{ObjectMeta: metav1.ObjectMeta{
		Name: "web-md-0", Generation: 2, Labels: map[string]string{clusterv1.ClusterTopologyMachineDeploymentNameLabel: "md-0"},
	}}
	md.Spec.Replicas, md.Spec.Template.Spec.Version = ptr.To[int32](2), Version
	md.Status.ObservedGeneration = 2
	md.Status.Replicas, md.Status.UpToDateReplicas = ptr.To[int32](2), ptr.To[int32](2)
	md.Status.ReadyReplicas, md.Status.AvailableReplicas = ptr.To[int32](2), ptr.To[int32](2)
	return Cluster{
		Cluster: cluster,
		ControlPlane: &unstructured.Unstructured{Object: map[string]any{
			"kind":     "KubeadmControlPlane",
			"metadata": map[string]any{"name": "web-x7k2p", "generation": int64(4)},
			"spec":     map[string]any{"version": Version, "replicas": int64(1)},
			"status": map[string]any{"observedGeneration": int64(4), "replicas": int64(1), "upToDateReplicas": int64(1),
				"readyReplicas": int64(1), "availableReplicas": int64(1)},
		}},
		MachineDeployments: []clusterv1.MachineDeployment{md},
		Machines: []clusterv1.Machine{
			Machine("web-x7k2p-1", clusterv1.MachineControlPlaneLabel, ""),
			Machine("web-md-0-a", clusterv1.ClusterTopologyMachineDeploymentNameLabel, "md-0"),
			Machine("web-md-0-b", clusterv1.ClusterTopologyMachineDeploymentNameLabel, "md-0"),
		},
	}
}

// Machine is one that is as it should be. The label says which set it belongs to.
func Machine(name, label, value string) clusterv1.Machine {
	m := clusterv1.Machine{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Generation: 1, Labels: map[string]string{label: value}}}
	m.Spec.InfrastructureRef.Kind = "DockerMachine"
	m.Status.NodeRef.Name = name
	m.Spec.Version = Version
	for _, conditionType := range []string{
		clusterv1.MachineBootstrapConfigReadyCondition, clusterv1.MachineInfrastructureReadyCondition, clusterv1.MachineNodeReadyCondition,
		clusterv1.MachineUpToDateCondition, clusterv1.MachineReadyCondition, clusterv1.MachineAvailableCondition,
	} {
		SetCondition(&m.Status.Conditions, conditionType, metav1.ConditionTrue, "AsExpected", "", 1)
	}
	return m
}

// SetCondition puts a condition, about the given generation of its object, among others.
func SetCondition(list *[]metav1.Condition, conditionType string, status metav1.ConditionStatus, reason, message string, generation int64) {
	meta.SetStatusCondition(list, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message, ObservedGeneration: generation,
	})
}

// Pool is the machine pool mp-0 of one machine that has no Machine, and what declares it.
func Pool() (clusterv1.MachinePool, []clusterv1.MachinePoolTopology) {
	pool := clusterv1.MachinePool{ObjectMeta: metav1.ObjectMeta{
		Name: "web-mp-0", Generation: 1, Labels: map[string]string{clusterv1.ClusterTopologyMachinePoolNameLabel: "mp-0"},
	}}
	pool.Spec.Replicas, pool.Spec.Template.Spec.Version = ptr.To[int32](1), Version
	pool.Status.ObservedGeneration = 1
	pool.Status.Replicas, pool.Status.ReadyReplicas = ptr.To[int32](1), ptr.To[int32](1)
	pool.Status.AvailableReplicas, pool.Status.UpToDateReplicas = ptr.To[int32](1), ptr.To[int32](1)
	pool.Status.NodeRefs = append(pool.Status.NodeRefs, corev1.ObjectReference{Name: "node-0"})
	return pool, []clusterv1.MachinePoolTopology{{Name: "mp-0", Replicas: ptr.To[int32](1)}}
}
