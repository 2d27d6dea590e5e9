// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Pending says what an installed provider still waits for before it works; empty if it works: its controllers are
// available, and its webhooks answer.
func Pending(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	provider, err := config.Find(name)
	if err != nil {
		return "", err
	}
	i := installation{Provider: provider}
	for _, check := range []func(context.Context, *management.Cluster) (string, error){
		i.pendingDeployment, i.pendingAuthority, i.pendingWebhook,
	} {
		if pending, err := check(ctx, cluster); pending != "" || err != nil {
			return pending, err
		}
	}
	return "", nil
}

// pendingDeployment waits for the new generation's pods; those of the one before may still be available.
func (i installation) pendingDeployment(ctx context.Context, cluster *management.Cluster) (string, error) {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: i.Namespace, Name: i.deployment()}
	if err := cluster.Get(ctx, key, deployment); err != nil {
		return "", fmt.Errorf("reading Deployment %s: %w", key, err)
	}
	status, replicas := deployment.Status, ptr.Deref(deployment.Spec.Replicas, 1)
	if replicas == 0 {
		return fmt.Sprintf("Deployment %s is scaled to no pods", key), nil
	}
	if status.ObservedGeneration >= deployment.Generation && status.UpdatedReplicas == replicas &&
		status.AvailableReplicas == replicas && status.Replicas == replicas {
		return "", nil
	}
	pending := fmt.Sprintf("Deployment %s: %d of %d pods are available", key, min(status.UpdatedReplicas, status.AvailableReplicas), replicas)
	return pending + i.troubles(ctx, cluster), nil
}

// troubles says why pods do not start, as far as they say so themselves.
func (i installation) troubles(ctx context.Context, cluster *management.Cluster) string {
	pods := &corev1.PodList{}
	if err := cluster.List(ctx, pods, client.InNamespace(i.Namespace)); err != nil {
		return ""
	}
	var troubles []string
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			if waiting := container.State.Waiting; waiting != nil && waiting.Message != "" {
				troubles = append(troubles, fmt.Sprintf("pod %s: %s: %s", pod.Name, waiting.Reason, waiting.Message))
			}
			if ended := container.LastTerminationState.Terminated; ended != nil && ended.ExitCode != 0 {
				troubles = append(troubles, fmt.Sprintf("pod %s ended with exit code %d: %s", pod.Name, ended.ExitCode, strings.TrimSpace(ended.Message)))
			}
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
				troubles = append(troubles, fmt.Sprintf("pod %s: %s", pod.Name, condition.Message))
			}
		}
	}
	if len(troubles) == 0 {
		return ""
	}
	return "; " + strings.Join(troubles, "; ")
}

// pendingAuthority waits for the controllers to have injected their certificate authority everywhere.
func (i installation) pendingAuthority(ctx context.Context, cluster *management.Cluster) (string, error) {
	mutating, validating := &admissionv1.MutatingWebhookConfiguration{}, &admissionv1.ValidatingWebhookConfiguration{}
	if err := cluster.Get(ctx, client.ObjectKey{Name: i.ObjectName(config.MutatingWebhooks)}, mutating); err != nil {
		return "", fmt.Errorf("reading the webhooks of provider %s: %w", i.Name, err)
	}
	if err := cluster.Get(ctx, client.ObjectKey{Name: i.ObjectName(config.ValidatingWebhooks)}, validating); err != nil {
		return "", fmt.Errorf("reading the webhooks of provider %s: %w", i.Name, err)
	}
	var missing []string
	for _, webhook := range mutating.Webhooks {
		if len(webhook.ClientConfig.CABundle) == 0 {
			missing = append(missing, webhook.Name)
		}
	}
	for _, webhook := range validating.Webhooks {
		if len(webhook.ClientConfig.CABundle) == 0 {
			missing = append(missing, webhook.Name)
		}
	}
	crds, err := i.CRDs()
	if err != nil {
		return "", err
	}
	for _, wanted := range crds {
		if !config.Converts(wanted) {
			continue
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(wanted), crd); err != nil {
			return "", fmt.Errorf("reading CustomResourceDefinition %s: %w", wanted.Name, err)
		}
		if !hasAuthority(crd.Spec.Conversion) {
			missing = append(missing, crd.Name)
		}
	}
	if len(missing) == 0 {
		return "", nil
	}
	return fmt.Sprintf("provider %s has not issued its certificate for %s", i.Name, strings.Join(missing, ", ")), nil
}

// hasAuthority says whether a kind is converted by a webhook whose certificate the API server can check. Anybody may have
// replaced the CustomResourceDefinition by one that converts otherwise, or not at all.
func hasAuthority(conversion *apiextensionsv1.CustomResourceConversion) bool {
	return conversion != nil && conversion.Webhook != nil && conversion.Webhook.ClientConfig != nil &&
		len(conversion.Webhook.ClientConfig.CABundle) > 0
}

// pendingWebhook creates an object that is not kept, which makes the API server call the provider's webhook. Whatever
// the webhook thinks of the object, it has answered.
func (i installation) pendingWebhook(ctx context.Context, cluster *management.Cluster) (string, error) {
	object, err := i.sample()
	if err != nil {
		return "", err
	}
	err = cluster.Create(ctx, object, client.DryRunAll)
	if err != nil && strings.Contains(err.Error(), "failed calling webhook") {
		return fmt.Sprintf("the webhooks of provider %s do not answer: %v", i.Name, err), nil
	}
	return "", nil
}

// sample is a nearly empty object of a kind that the provider's mutating webhooks see.
func (i installation) sample() (client.Object, error) {
	mutating, _, err := i.Webhooks()
	if err != nil {
		return nil, err
	}
	crds, err := i.CRDs()
	if err != nil {
		return nil, err
	}
	for _, webhook := range mutating.Webhooks {
		for _, rule := range webhook.Rules {
			for _, crd := range crds {
				if crd.Spec.Names.Plural != rule.Resources[0] {
					continue
				}
				object := &unstructured.Unstructured{}
				object.SetGroupVersionKind(schema.GroupVersionKind{Group: rule.APIGroups[0], Version: rule.APIVersions[0], Kind: crd.Spec.Names.Kind})
				object.SetNamespace(metav1.NamespaceDefault)
				object.SetName("webhook-check")
				return object, nil
			}
		}
	}
	return nil, fmt.Errorf("provider %s has no mutating webhook for a kind of its own", i.Name)
}
