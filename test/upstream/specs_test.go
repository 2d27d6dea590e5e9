// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"

	"github.com/onsi/ginkgo/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/cluster-api/test/e2e"
)

var ctx = context.Background()

var _ = ginkgo.Describe("quick start", func() {
	e2e.QuickStartSpec(ctx, func() e2e.QuickStartSpecInput {
		return e2e.QuickStartSpecInput{
			E2EConfig:               suite.config,
			ClusterctlConfigPath:    suite.clusterctlConfig,
			BootstrapClusterProxy:   suite.management,
			ArtifactFolder:          suite.artifacts,
			PostMachinesProvisioned: expectResilience(false),
		}
	})
})

var _ = ginkgo.Describe("quick start with a cluster class", func() {
	e2e.QuickStartSpec(ctx, func() e2e.QuickStartSpecInput {
		return e2e.QuickStartSpecInput{
			E2EConfig:               suite.config,
			ClusterctlConfigPath:    suite.clusterctlConfig,
			BootstrapClusterProxy:   suite.management,
			ArtifactFolder:          suite.artifacts,
			Flavor:                  ptr.To("topology"),
			PostMachinesProvisioned: expectResilience(true),
		}
	})
})

var _ = ginkgo.Describe("machine deployment scale", func() {
	e2e.MachineDeploymentScaleSpec(ctx, func() e2e.MachineDeploymentScaleSpecInput {
		return e2e.MachineDeploymentScaleSpecInput{
			E2EConfig:             suite.config,
			ClusterctlConfigPath:  suite.clusterctlConfig,
			BootstrapClusterProxy: suite.management,
			ArtifactFolder:        suite.artifacts,
		}
	})
})

var _ = ginkgo.Describe("machine deployment remediation", func() {
	e2e.MachineDeploymentRemediationSpec(ctx, func() e2e.MachineDeploymentRemediationSpecInput {
		return e2e.MachineDeploymentRemediationSpecInput{
			E2EConfig:             suite.config,
			ClusterctlConfigPath:  suite.clusterctlConfig,
			BootstrapClusterProxy: suite.management,
			ArtifactFolder:        suite.artifacts,
		}
	})
})

var _ = ginkgo.Describe("control plane remediation", func() {
	e2e.KCPRemediationSpec(ctx, func() e2e.KCPRemediationSpecInput {
		return e2e.KCPRemediationSpecInput{
			E2EConfig:             suite.config,
			ClusterctlConfigPath:  suite.clusterctlConfig,
			BootstrapClusterProxy: suite.management,
			ArtifactFolder:        suite.artifacts,
		}
	})
})

var _ = ginkgo.Describe("rollout", func() {
	e2e.KCPAndMachineDeploymentRolloutSpec(ctx, func() e2e.KCPAndMachineDeploymentRolloutSpecInput {
		return e2e.KCPAndMachineDeploymentRolloutSpecInput{
			E2EConfig:             suite.config,
			ClusterctlConfigPath:  suite.clusterctlConfig,
			BootstrapClusterProxy: suite.management,
			ArtifactFolder:        suite.artifacts,
			Flavor:                "kcp-md-taints",
		}
	})
})

var _ = ginkgo.Describe("node drain", func() {
	e2e.NodeDrainTimeoutSpec(ctx, func() e2e.NodeDrainTimeoutSpecInput {
		return e2e.NodeDrainTimeoutSpecInput{
			E2EConfig:                 suite.config,
			ClusterctlConfigPath:      suite.clusterctlConfig,
			BootstrapClusterProxy:     suite.management,
			ArtifactFolder:            suite.artifacts,
			VerifyNodeVolumeDetach:    true,
			CreateAdditionalResources: attachVolumes,
		}
	})
})

var _ = ginkgo.Describe("cluster deletion", func() {
	e2e.ClusterDeletionSpec(ctx, func() e2e.ClusterDeletionSpecInput {
		return e2e.ClusterDeletionSpecInput{
			E2EConfig:                suite.config,
			ClusterctlConfigPath:     suite.clusterctlConfig,
			BootstrapClusterProxy:    suite.management,
			ArtifactFolder:           suite.artifacts,
			Flavor:                   ptr.To("topology"),
			ControlPlaneMachineCount: ptr.To[int64](3),
			ClusterDeletionPhases:    deletionPhases,
		}
	})
})

var _ = ginkgo.Describe("cluster class changes", func() {
	e2e.ClusterClassChangesSpec(ctx, func() e2e.ClusterClassChangesSpecInput {
		return e2e.ClusterClassChangesSpecInput{
			E2EConfig:                suite.config,
			ClusterctlConfigPath:     suite.clusterctlConfig,
			BootstrapClusterProxy:    suite.management,
			ArtifactFolder:           suite.artifacts,
			Flavor:                   "topology",
			ModifyControlPlaneFields: map[string]any{"spec.kubeadmConfigSpec.verbosity": int64(4)},
			ModifyMachineDeploymentBootstrapConfigTemplateFields: map[string]any{"spec.template.spec.verbosity": int64(4)},
			ModifyMachineDeploymentInfrastructureMachineTemplateFields: map[string]any{
				"spec.template.spec.backend.docker.extraMounts": []any{
					map[string]any{"hostPath": "/tmp", "containerPath": "/host"},
				},
			},
		}
	})
})

var _ = ginkgo.Describe("cluster class rollout", func() {
	e2e.ClusterClassRolloutSpec(ctx, func() e2e.ClusterClassRolloutSpecInput {
		return e2e.ClusterClassRolloutSpecInput{
			E2EConfig:             suite.config,
			ClusterctlConfigPath:  suite.clusterctlConfig,
			BootstrapClusterProxy: suite.management,
			ArtifactFolder:        suite.artifacts,
			Flavor:                "topology-taints",
		}
	})
})

var _ = ginkgo.Describe("upgrade", func() {
	e2e.ClusterUpgradeConformanceSpec(ctx, func() e2e.ClusterUpgradeConformanceSpecInput {
		return e2e.ClusterUpgradeConformanceSpecInput{
			E2EConfig:             suite.config,
			ClusterctlConfigPath:  suite.clusterctlConfig,
			BootstrapClusterProxy: suite.management,
			ArtifactFolder:        suite.artifacts,
			Flavor:                ptr.To("topology"),
			// Their images cannot be had without a registry.
			SkipConformanceTests: true,
		}
	})
})
