// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func withImages(images ...string) func(*objects) {
	return func(o *objects) { o.dockerMachine.Spec.PreLoadImages = images }
}

// await reconciles as a controller would, until done.
func (e *environment) await(done func() bool) {
	e.t.Helper()
	for range 100 {
		_, err := e.reconcile()
		if done() {
			return
		}
		if err == nil {
			e.awaitJob()
		}
	}
	e.t.Fatalf("Not done after 100 reconciles: %+v", e.dockerMachine().Status.Conditions)
}

func (e *environment) areImagesReady() bool {
	return conditions.IsTrue(e.dockerMachine(), infrav1.PreLoadedImagesReadyCondition)
}

func TestPreLoadedImages(t *testing.T) {
	e := newEnvironment(t, withImages("example.com/a:1", "example.com/b:1"))
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerPullingImageReason, "Pulling image example.com/a:1")
	e.Expect(e.engine.Calls()).NotTo(ContainElement("Create "+node), "its volumes depend on the images")

	e.await(e.areImagesReady)
	e.Expect(e.engine.Calls()).To(ContainElements("PullImage example.com/a:1", "SaveImages example.com/a:1", "SaveImages example.com/b:1"))
	e.Expect(e.engine.Spec(node).SharedVolumes).To(HaveLen(2))
	_, err := e.engine.ReadFile(ctx, node, "/usr/local/lib/terraform-capi/images-loaded")
	e.Expect(err).NotTo(HaveOccurred(), "the bootstrap commands wait for this file")
	_, err = e.engine.ReadFile(ctx, node, "/usr/local/lib/terraform-capi/wait-for-images")
	e.Expect(err).NotTo(HaveOccurred())

	e.Expect(e.engine.Volumes()).To(HaveLen(2))
	e.Expect(e.client.Delete(ctx, e.dockerMachine())).To(Succeed())
	e.mustReconcile()
	e.Expect(e.reconciler.Volumes.sweep(ctx)).To(Succeed())
	e.Expect(e.engine.Volumes()).To(BeEmpty())
}

// The manager may be killed at any moment: whatever it was doing has happened or not, and nobody tells the next one.
func TestPreLoadedImagesAfterRestarts(t *testing.T) {
	for _, step := range []string{
		"PullImage example.com/a:1", "ImageID example.com/a:1", "Create " + node, "Exec " + node + " /bin/sh",
		"SaveImages example.com/a:1", "CopyTo " + node, "Exec " + node + " /bin/bash",
	} {
		t.Run(step, func(t *testing.T) {
			e := newEnvironment(t, withImages("example.com/a:1"))
			var once sync.Once
			e.engine.AfterCall = func(_ context.Context, method, subject string) (err error) {
				if method+" "+subject == step {
					once.Do(func() { err = errors.New("killed") })
				}
				return err
			}
			e.await(func() bool { return slices.Contains(e.engine.Calls(), step) })
			e.restart()
			e.await(e.areImagesReady)
			e.finish(node, success)
			e.mustReconcile()
			e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionTrue, infrav1.BootstrapCompletedReason, "")
		})
	}
}

func TestPreLoadedImageCannotBePulled(t *testing.T) {
	e := newEnvironment(t, withImages("example.com/a:1"))
	e.engine.OnPull = func(string, *container.Credentials) error { return errors.New("denied") }
	e.mustReconcile()
	e.awaitJob()
	_, err := e.reconcile()
	e.Expect(err).To(HaveOccurred())
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ImagePullFailedReason,
		"image example.com/a:1 is not on the Docker host and cannot be pulled: pulling image example.com/a:1: denied")
}

func TestPullWithCredentialsFromMirror(t *testing.T) {
	e := newEnvironment(t, func(o *objects) {
		o.dockerMachine.Spec.CustomImage = "example.com/node:1"
		o.dockerMachine.Spec.ImagePull = infrav1.ImagePull{
			SecretRef: &corev1.LocalObjectReference{Name: "data"},
			Mirrors:   []infrav1.RegistryMirror{{Registry: "example.com", Mirror: "mirror.example.com/x"}},
		}
	})
	resume := make(chan struct{})
	e.engine.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "PullImage" {
			<-resume
		}
		return nil
	}
	e.engine.OnPull = func(image string, credentials *container.Credentials) error {
		if image != "mirror.example.com/x/node:1" || credentials == nil || credentials.Username != "me" {
			return errors.New("not what was asked for")
		}
		return nil
	}
	e.mustReconcile()
	e.awaitJob()
	_, err := e.reconcile()
	e.Expect(err).To(MatchError(ContainSubstring(`Secret default/data of imagePull.secretRef has no key ".dockerconfigjson"`)))

	secret := &corev1.Secret{}
	e.Expect(e.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "data"}, secret)).To(Succeed())
	secret.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths": {"mirror.example.com": {"username": "me", "password": "p"}}}`)
	e.Expect(e.client.Update(ctx, secret)).To(Succeed())
	e.mustReconcile()
	e.awaitJob()
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ImagePullFailedReason,
		`has no key ".dockerconfigjson": it must be of type kubernetes.io/dockerconfigjson. Trying again: Pulling image example.com/node:1: from mirror mirror.example.com/x`)
	close(resume)
	e.awaitJob()
	e.await(func() bool { return e.dockerMachine().Spec.ProviderID != "" })
	e.Expect(e.engine.Spec(node).Image).To(Equal("mirror.example.com/x/node:1"), "the name of the original is for those who pull that")
}

// Images come from nodes of the same cluster, not of one that has the same names in another management cluster.
func TestSystemImages(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	e.finish(node, success)
	e.mustReconcile()
	const other = "test-other"
	e.engine.BuildImage("kindest/node:v1.34.0", "other")
	labels := maps.Clone(e.engine.Spec(node).Labels)
	labels[identity.ManagementUIDLabel], labels[identity.ObjectUIDLabel], labels[identity.MachineLabel] = "elsewhere", "other", "other"
	e.Expect(e.engine.Create(ctx, container.Spec{Name: other, Image: "kindest/node:v1.34.0", Labels: labels})).To(Succeed())
	e.Expect(e.engine.Start(ctx, other)).To(Succeed())
	e.mustReconcile()
	e.Expect(conditions.Get(e.dockerMachine(), infrav1.SystemImagesAvailableCondition)).To(BeNil())

	e.Expect(e.client.Create(ctx, &clusterv1.Machine{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "other", Labels: map[string]string{clusterv1.ClusterNameLabel: "test"}},
		Spec:       clusterv1.MachineSpec{ClusterName: "test", ProviderID: identity.ProviderID(other)},
	})).To(Succeed())
	e.await(func() bool { return conditions.IsTrue(e.dockerMachine(), infrav1.SystemImagesAvailableCondition) })
}

// Nodes of an upgrade that does not get on are compared less and less often.
func TestUntilCompared(t *testing.T) {
	g := NewWithT(t)
	g.Expect(untilCompared(nil)).To(Equal(systemImagesInterval))
	since := func(d time.Duration) *metav1.Condition {
		return &metav1.Condition{LastTransitionTime: metav1.NewTime(time.Now().Add(-d))}
	}
	g.Expect(untilCompared(since(time.Minute))).To(Equal(systemImagesInterval))
	g.Expect(untilCompared(since(30 * time.Minute))).To(BeNumerically("~", time.Minute, time.Second))
	g.Expect(untilCompared(since(24 * time.Hour))).To(Equal(slowestSystemImagesInterval))
}
