// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// The variants of the infrastructure of a machine.
var (
	DockerMachine = same[infrav1.DockerMachine]("DockerMachine", func() client.ObjectList { return &infrav1.DockerMachineList{} })

	DevMachine = translated("DevMachine", func() client.ObjectList { return &devv1.DevMachineList{} },
		translation[*infrav1.DockerMachine, *devv1.DevMachine]{
			served:  func(dev *devv1.DevMachine) bool { return dev.Spec.Backend.InMemory == nil },
			toHub:   machineFromDev,
			fromHub: machineToDev,
		})

	Machines = Variants[*infrav1.DockerMachine]{DockerMachine, DevMachine}
)

func machineFromDev(dev *devv1.DevMachine, hub *infrav1.DockerMachine) {
	hub.ObjectMeta = dev.ObjectMeta
	hub.Spec = MachineSpecFromDev(dev.Spec)
	hub.Status = infrav1.DockerMachineStatus{
		Conditions:     dev.Status.Conditions,
		Initialization: infrav1.DockerMachineInitializationStatus{Provisioned: dev.Status.Initialization.Provisioned},
		Addresses:      dev.Status.Addresses,
		FailureDomain:  dev.Status.FailureDomain,
	}
}

func machineToDev(hub *infrav1.DockerMachine, dev *devv1.DevMachine) {
	dev.ObjectMeta = hub.ObjectMeta
	dev.Spec = MachineSpecToDev(hub.Spec)
	dev.Status.Conditions = hub.Status.Conditions
	dev.Status.Initialization.Provisioned = hub.Status.Initialization.Provisioned
	dev.Status.Addresses = hub.Status.Addresses
	dev.Status.FailureDomain = hub.Status.FailureDomain
}

// MachineSpecFromDev returns the spec of a DockerMachine that asks for the same. Without a docker backend it has
// defaults in its place.
func MachineSpecFromDev(dev devv1.DevMachineSpec) infrav1.DockerMachineSpec {
	backend := ptr.Deref(dev.Backend.Docker, devv1.DockerMachineBackendSpec{})
	spec := infrav1.DockerMachineSpec{
		ProviderID:       dev.ProviderID,
		CustomImage:      backend.CustomImage,
		PreLoadImages:    backend.PreLoadImages,
		BootstrapTimeout: backend.BootstrapTimeout,
	}
	for _, mount := range backend.ExtraMounts {
		spec.ExtraMounts = append(spec.ExtraMounts, infrav1.Mount(mount))
	}
	return spec
}

// MachineSpecToDev returns the spec of a DevMachine with the docker backend that asks for the same, without what only
// DockerMachines have.
func MachineSpecToDev(hub infrav1.DockerMachineSpec) devv1.DevMachineSpec {
	backend := &devv1.DockerMachineBackendSpec{
		CustomImage:      hub.CustomImage,
		PreLoadImages:    hub.PreLoadImages,
		BootstrapTimeout: hub.BootstrapTimeout,
	}
	for _, mount := range hub.ExtraMounts {
		backend.ExtraMounts = append(backend.ExtraMounts, devv1.Mount(mount))
	}
	return devv1.DevMachineSpec{ProviderID: hub.ProviderID, Backend: devv1.DevMachineBackendSpec{Docker: backend}}
}
