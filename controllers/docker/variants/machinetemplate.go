// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// The variants of what machines are made from.
var (
	DockerMachineTemplate = same[infrav1.DockerMachineTemplate]("DockerMachineTemplate",
		func() client.ObjectList { return &infrav1.DockerMachineTemplateList{} })

	DevMachineTemplate = translated("DevMachineTemplate", func() client.ObjectList { return &devv1.DevMachineTemplateList{} },
		translation[*infrav1.DockerMachineTemplate, *devv1.DevMachineTemplate]{
			served:  func(dev *devv1.DevMachineTemplate) bool { return dev.Spec.Template.Spec.Backend.InMemory == nil },
			toHub:   machineTemplateFromDev,
			fromHub: machineTemplateToDev,
		})

	MachineTemplates = Variants[*infrav1.DockerMachineTemplate]{DockerMachineTemplate, DevMachineTemplate}
)

func machineTemplateFromDev(dev *devv1.DevMachineTemplate, hub *infrav1.DockerMachineTemplate) {
	hub.ObjectMeta = dev.ObjectMeta
	hub.Spec.Template.ObjectMeta = dev.Spec.Template.ObjectMeta
	hub.Spec.Template.Spec = MachineSpecFromDev(dev.Spec.Template.Spec)
	hub.Status.Capacity = dev.Status.Capacity
}

func machineTemplateToDev(hub *infrav1.DockerMachineTemplate, dev *devv1.DevMachineTemplate) {
	dev.ObjectMeta = hub.ObjectMeta
	dev.Spec.Template.ObjectMeta = hub.Spec.Template.ObjectMeta
	// A template cannot be changed, not even to name the backend that it has without.
	if spec := dev.Spec.Template.Spec; spec.Backend.Docker != nil || !equality.Semantic.DeepEqual(MachineSpecFromDev(spec), hub.Spec.Template.Spec) {
		dev.Spec.Template.Spec = MachineSpecToDev(hub.Spec.Template.Spec)
	}
	dev.Status.Capacity = hub.Status.Capacity
}
