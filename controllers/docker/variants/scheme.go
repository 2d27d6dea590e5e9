// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"k8s.io/apimachinery/pkg/runtime"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// AddToScheme registers the Docker* and the Dev* kinds. Upstream's own function would also register its types of the
// Docker* kinds, which are not ours.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(devv1.GroupVersion,
		&devv1.DevCluster{}, &devv1.DevClusterList{},
		&devv1.DevClusterTemplate{}, &devv1.DevClusterTemplateList{},
		&devv1.DevMachine{}, &devv1.DevMachineList{},
		&devv1.DevMachineTemplate{}, &devv1.DevMachineTemplateList{},
		&devv1.DevMachinePool{}, &devv1.DevMachinePoolList{},
		&devv1.DevMachinePoolTemplate{}, &devv1.DevMachinePoolTemplateList{},
	)
	return infrav1.AddToScheme(scheme)
}
