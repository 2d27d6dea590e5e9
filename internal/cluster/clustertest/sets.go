// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

func (s *Controllers) controlPlane(ctx context.Context, cluster *clusterv1.Cluster) error {
	replicas := ptr.Deref(cluster.Spec.Topology.ControlPlane.Replicas, 1)
	kcp := &controlplanev1.KubeadmControlPlane{ObjectMeta: metadata(cluster, cluster.Name, nil)}
	err := s.apply(ctx, kcp, func() {
		kcp.Spec.Version, kcp.Spec.Replicas = cluster.Spec.Topology.Version, &replicas
		kcp.Spec.MachineTemplate.ObjectMeta.Annotations = s.followsClass(cluster)
		kcp.Spec.MachineTemplate.Spec.InfrastructureRef = clusterv1.ContractVersionedObjectReference{
			APIGroup: dockerv1.GroupVersion.Group, Kind: "DockerMachineTemplate", Name: cluster.Name,
		}
	})
	if err != nil {
		return err
	}
	ofControlPlane := map[string]string{clusterv1.MachineControlPlaneLabel: ""}
	if err := s.machines(ctx, cluster, cluster.Name+"-control-plane", ofControlPlane, replicas); err != nil {
		return err
	}
	if kcp.Status.ObservedGeneration == kcp.Generation {
		return nil
	}
	kcp.Status.ObservedGeneration = kcp.Generation
	kcp.Status.Replicas, kcp.Status.UpToDateReplicas = &replicas, &replicas
	kcp.Status.ReadyReplicas, kcp.Status.AvailableReplicas = &replicas, &replicas
	return s.c.Status().Update(ctx, kcp)
}

func (s *Controllers) machineDeployment(ctx context.Context, cluster *clusterv1.Cluster, wanted *clusterv1.MachineDeploymentTopology) error {
	replicas := ptr.Deref(wanted.Replicas, 1)
	name := cluster.Name + "-" + wanted.Name
	labels := map[string]string{clusterv1.ClusterTopologyMachineDeploymentNameLabel: wanted.Name}
	md := &clusterv1.MachineDeployment{ObjectMeta: metadata(cluster, name, labels)}
	err := s.apply(ctx, md, func() {
		md.Spec.ClusterName, md.Spec.Replicas = cluster.Name, &replicas
		md.Spec.Selector.MatchLabels = map[string]string{"md": name}
		md.Spec.Template.Labels = map[string]string{"md": name}
		md.Spec.Template.Spec = machineSpec(cluster)
		md.Spec.Template.Annotations = s.followsClass(cluster)
	})
	if err != nil {
		return err
	}
	if err := s.machines(ctx, cluster, name, labels, replicas); err != nil {
		return err
	}
	if md.Status.ObservedGeneration == md.Generation {
		return nil
	}
	md.Status.ObservedGeneration = md.Generation
	md.Status.Replicas, md.Status.UpToDateReplicas = &replicas, &replicas
	md.Status.ReadyReplicas, md.Status.AvailableReplicas = &replicas, &replicas
	return s.c.Status().Update(ctx, md)
}

// followsClass changes a set whenever the class changes, as if every change of it
// concerned every set.
func (s *Controllers) followsClass(cluster *clusterv1.Cluster) map[string]string {
	return map[string]string{"test/class-generation": fmt.Sprint(s.classes[cluster.GetClassKey()])}
}

// machinePool makes a pool whose infrastructure does without Machines, as those
// of clouds do.
func (s *Controllers) machinePool(ctx context.Context, cluster *clusterv1.Cluster, wanted *clusterv1.MachinePoolTopology) error {
	replicas := ptr.Deref(wanted.Replicas, 1)
	labels := map[string]string{clusterv1.ClusterTopologyMachinePoolNameLabel: wanted.Name}
	pool := &clusterv1.MachinePool{ObjectMeta: metadata(cluster, cluster.Name+"-"+wanted.Name, labels)}
	err := s.apply(ctx, pool, func() {
		pool.Spec.ClusterName, pool.Spec.Replicas = cluster.Name, &replicas
		pool.Spec.Template.Spec = machineSpec(cluster)
		pool.Spec.Template.Annotations = s.followsClass(cluster)
	})
	if err != nil || pool.Status.ObservedGeneration == pool.Generation {
		return err
	}
	pool.Status.ObservedGeneration = pool.Generation
	pool.Status.Replicas, pool.Status.UpToDateReplicas = &replicas, &replicas
	pool.Status.ReadyReplicas, pool.Status.AvailableReplicas = &replicas, &replicas
	pool.Status.NodeRefs = nil
	for i := range replicas {
		pool.Status.NodeRefs = append(pool.Status.NodeRefs, corev1.ObjectReference{Name: fmt.Sprintf("%s-%d", pool.Name, i)})
	}
	return s.c.Status().Update(ctx, pool)
}

// removeUndeclared deletes the sets of workers that the topology has no more, and
// their machines.
func (s *Controllers) removeUndeclared(ctx context.Context, cluster *clusterv1.Cluster) error {
	declared := map[string]bool{}
	for _, wanted := range cluster.Spec.Topology.Workers.MachineDeployments {
		declared[cluster.Name+"-"+wanted.Name] = true
	}
	for _, wanted := range cluster.Spec.Topology.Workers.MachinePools {
		declared[cluster.Name+"-"+wanted.Name] = true
	}
	var existing []client.Object
	deployments, pools := &clusterv1.MachineDeploymentList{}, &clusterv1.MachinePoolList{}
	for _, list := range []client.ObjectList{deployments, pools} {
		if err := s.c.List(ctx, list, client.InNamespace(cluster.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: cluster.Name}); err != nil {
			return err
		}
	}
	for i := range deployments.Items {
		existing = append(existing, &deployments.Items[i])
	}
	for i := range pools.Items {
		existing = append(existing, &pools.Items[i])
	}
	for _, set := range existing {
		if declared[set.GetName()] {
			continue
		}
		if err := s.machines(ctx, cluster, set.GetName(), nil, 0); err != nil {
			return err
		}
		if err := s.c.Delete(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// machines makes the machines of a set. A machine is never changed: another
// version is another machine.
func (s *Controllers) machines(ctx context.Context, cluster *clusterv1.Cluster, set string, labels map[string]string, replicas int32) error {
	existing := &clusterv1.MachineList{}
	if err := s.c.List(ctx, existing, client.InNamespace(cluster.Namespace), client.MatchingLabels{"set": set}); err != nil {
		return err
	}
	wanted := map[string]bool{}
	for i := range replicas {
		name := fmt.Sprintf("%s-%s-%d", set, versionSuffix(cluster), i)
		wanted[name] = true
		machine := &clusterv1.Machine{ObjectMeta: metadata(cluster, name, labels)}
		machine.Labels["set"] = set
		machine.Spec = machineSpec(cluster)
		if err := s.machine(ctx, machine); err != nil {
			return err
		}
	}
	for i := range existing.Items {
		if !wanted[existing.Items[i].Name] {
			if err := s.c.Delete(ctx, &existing.Items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Controllers) machine(ctx context.Context, machine *clusterv1.Machine) error {
	if err := s.apply(ctx, machine, func() {}); err != nil {
		return err
	}
	if machine.Status.ObservedGeneration == machine.Generation {
		return nil
	}
	machine.Status.ObservedGeneration = machine.Generation
	machine.Status.SetTypedPhase(clusterv1.MachinePhaseRunning)
	machine.Status.NodeRef.Name = machine.Name
	machine.Status.Conditions = conditions(machine.Generation, nil,
		clusterv1.MachineBootstrapConfigReadyCondition, clusterv1.MachineInfrastructureReadyCondition,
		clusterv1.MachineNodeReadyCondition, clusterv1.MachineUpToDateCondition,
		clusterv1.MachineReadyCondition, clusterv1.MachineAvailableCondition)
	return s.c.Status().Update(ctx, machine)
}

func machineSpec(cluster *clusterv1.Cluster) clusterv1.MachineSpec {
	return clusterv1.MachineSpec{
		ClusterName: cluster.Name,
		Version:     cluster.Spec.Topology.Version,
		Bootstrap:   clusterv1.Bootstrap{DataSecretName: ptr.To("bootstrap")},
		InfrastructureRef: clusterv1.ContractVersionedObjectReference{
			APIGroup: dockerv1.GroupVersion.Group, Kind: "DockerMachineTemplate", Name: "machine",
		},
	}
}

func versionSuffix(cluster *clusterv1.Cluster) string {
	suffix := []byte(cluster.Spec.Topology.Version)
	for i, c := range suffix {
		if c == '.' || c == '+' {
			suffix[i] = '-'
		}
	}
	return string(suffix)
}
