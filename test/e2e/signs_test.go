// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// negative are the conditions that are false while all is well.
var negative = sets.New(clusterv1.PausedCondition, clusterv1.DeletingCondition, clusterv1.RollingOutCondition,
	clusterv1.ScalingUpCondition, clusterv1.ScalingDownCondition, clusterv1.RemediatingCondition, clusterv1.MachineUpdatingCondition)

// signs are what users find in the management cluster when all is not well: conditions of a cluster's objects, and
// managers that are not ready.
func signs(ctx context.Context, mgmt client.Client) ([]string, error) {
	// An API server that does not answer is tried again by the caller.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var found []string
	for _, list := range []client.ObjectList{
		&infrav1.DockerMachineList{}, &infrav1.DockerClusterList{}, &clusterv1.MachineList{},
		&controlplanev1.KubeadmControlPlaneList{}, &clusterv1.MachineDeploymentList{}, &clusterv1.ClusterList{},
	} {
		if err := mgmt.List(ctx, list); err != nil {
			return nil, err
		}
		objects, err := meta.ExtractList(list)
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			found = append(found, signsOf(object.(client.Object))...)
		}
	}
	pods := &corev1.PodList{}
	if err := mgmt.List(ctx, pods, client.HasLabels{clusterv1.ProviderNameLabel}); err != nil {
		return nil, err
	}
	for _, pod := range pods.Items {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status != corev1.ConditionTrue {
				found = append(found, fmt.Sprintf("Pod %s %s: %s", pod.Name, condition.Reason, condition.Message))
			}
		}
	}
	return found, nil
}

func signsOf(object client.Object) (found []string) {
	for _, condition := range object.(conditions.Getter).GetConditions() {
		good := metav1.ConditionTrue
		if negative.Has(condition.Type) {
			good = metav1.ConditionFalse
		}
		if condition.Status != good {
			found = append(found, fmt.Sprintf("%s %s %s=%s %s: %s", reflect.TypeOf(object).Elem().Name(), object.GetName(),
				condition.Type, condition.Status, condition.Reason, strings.Join(strings.Fields(condition.Message), " ")))
		}
	}
	return found
}
