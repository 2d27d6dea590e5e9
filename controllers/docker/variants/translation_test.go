// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

const rounds = 1000

// expectNoLoss fills objects of type T at random and checks that they are the same after a translation to U and back.
// prepare makes an object one that can be translated, and returns what the way back is to start from.
func expectNoLoss[T, U any](t *testing.T, prepare func(*T) *T, there func(*T, *U), back func(*U, *T)) {
	t.Helper()
	filler := fuzzer.FuzzerFor(metafuzzer.Funcs, rand.NewSource(1), serializer.NewCodecFactory(runtime.NewScheme()))
	for range rounds {
		before := new(T)
		filler.Fill(before)
		after, between := prepare(before), new(U)
		there(before, between)
		back(between, after)
		if !equality.Semantic.DeepEqual(before, after) {
			t.Fatalf("%T is not what it was:\n%s", before, cmp.Diff(before, after))
		}
	}
}

// Everything that a user can write into a Dev* object with the docker backend, and all of its status, survives.
func TestDevObjectsSurvive(t *testing.T) {
	t.Run("DevCluster", func(t *testing.T) {
		expectNoLoss(t, func(dev *devv1.DevCluster) *devv1.DevCluster {
			dev.Spec.Backend.InMemory = nil
			if dev.Spec.Backend.Docker == nil {
				dev.Spec.Backend.Docker = &devv1.DockerClusterBackendSpec{}
			}
			return &devv1.DevCluster{TypeMeta: dev.TypeMeta, Status: devv1.DevClusterStatus{Deprecated: dev.Status.Deprecated}}
		}, clusterFromDev, clusterToDev)
	})
	t.Run("DevMachine", func(t *testing.T) {
		expectNoLoss(t, func(dev *devv1.DevMachine) *devv1.DevMachine {
			dockerOnly(&dev.Spec)
			return &devv1.DevMachine{TypeMeta: dev.TypeMeta, Status: devv1.DevMachineStatus{Deprecated: dev.Status.Deprecated}}
		}, machineFromDev, machineToDev)
	})
	t.Run("DevMachineTemplate", func(t *testing.T) {
		expectNoLoss(t, func(dev *devv1.DevMachineTemplate) *devv1.DevMachineTemplate {
			dockerOnly(&dev.Spec.Template.Spec)
			// Of a template without a backend none is made that names it.
			empty := &devv1.DevMachineTemplate{TypeMeta: dev.TypeMeta}
			empty.Spec.Template.Spec.Backend.Docker = &devv1.DockerMachineBackendSpec{}
			return empty
		}, machineTemplateFromDev, machineTemplateToDev)
	})
}

func dockerOnly(spec *devv1.DevMachineSpec) {
	spec.Backend.InMemory = nil
	if spec.Backend.Docker == nil {
		spec.Backend.Docker = &devv1.DockerMachineBackendSpec{}
	}
}

// What reconcilers write into a hub survives. A field that is new in the Docker* kinds belongs either into the
// translation or, if the Dev* kinds have none for it, here and into the documentation of the package.
func TestHubsSurvive(t *testing.T) {
	t.Run("DockerCluster", func(t *testing.T) {
		expectNoLoss(t, func(hub *infrav1.DockerCluster) *infrav1.DockerCluster {
			balancer := &hub.Spec.LoadBalancer
			balancer.HostIP, balancer.HostPort, balancer.ImagePull = "", 0, infrav1.ImagePull{}
			return &infrav1.DockerCluster{TypeMeta: hub.TypeMeta}
		}, clusterToDev, clusterFromDev)
	})
	t.Run("DockerMachine", func(t *testing.T) {
		expectNoLoss(t, func(hub *infrav1.DockerMachine) *infrav1.DockerMachine {
			withoutExtensions(&hub.Spec)
			hub.Status.LoadBalancerConfigured = false
			return &infrav1.DockerMachine{TypeMeta: hub.TypeMeta}
		}, machineToDev, machineFromDev)
	})
	t.Run("DockerMachineTemplate", func(t *testing.T) {
		expectNoLoss(t, func(hub *infrav1.DockerMachineTemplate) *infrav1.DockerMachineTemplate {
			withoutExtensions(&hub.Spec.Template.Spec)
			return &infrav1.DockerMachineTemplate{TypeMeta: hub.TypeMeta}
		}, machineTemplateToDev, machineTemplateFromDev)
	})
}

func withoutExtensions(spec *infrav1.DockerMachineSpec) {
	spec.ExtraPortMappings, spec.Labels, spec.ImagePull = nil, nil, infrav1.ImagePull{}
	spec.Resources = infrav1.DockerMachineResources{}
}

func TestTemplateWithoutBackendIsLeftAlone(t *testing.T) {
	dev, hub := &devv1.DevMachineTemplate{}, &infrav1.DockerMachineTemplate{}
	machineTemplateFromDev(dev, hub)
	hub.Status.Capacity = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	machineTemplateToDev(hub, dev)
	if dev.Spec.Template.Spec.Backend.Docker != nil || len(dev.Status.Capacity) == 0 {
		t.Errorf("%+v", dev)
	}
}
