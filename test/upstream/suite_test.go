// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package upstream runs Cluster API's own end-to-end specs, unmodified, against the providers that this provider
// installs.
package upstream

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/test/framework"
	"sigs.k8s.io/cluster-api/test/framework/clusterctl"
	ctrl "sigs.k8s.io/controller-runtime"
)

// suite is what every spec is given. It is complete when the specs run.
var suite struct {
	config *clusterctl.E2EConfig
	// clusterctlConfig is the path of a clusterctl configuration with a repository of upstream's cluster templates.
	clusterctlConfig string
	management       framework.ClusterProxy
	// artifacts is a folder for logs, and for the Terraform state of the management cluster.
	artifacts string
}

func TestAccUpstream(t *testing.T) {
	if os.Getenv("TF_ACC") == "" {
		t.Skip("these specs make clusters; run them with make test-upstream")
	}
	RegisterFailHandler(ginkgo.Fail)
	ctrl.SetLogger(klog.Background())
	ginkgo.RunSpecs(t, "Cluster API")
}

var _ = ginkgo.BeforeSuite(func(ctx ginkgo.SpecContext) {
	artifacts, err := filepath.Abs(os.Getenv("ARTIFACTS"))
	Expect(err).NotTo(HaveOccurred())
	suite.artifacts = artifacts
	// The Terraform state stays: if an earlier run was interrupted, this one goes on with its management cluster.
	Expect(os.RemoveAll(filepath.Join(artifacts, "clusters"))).To(Succeed())

	created := createManagementCluster(filepath.Join(artifacts, "terraform"))
	upstream, err := upstreamFolder(ctx)
	Expect(err).NotTo(HaveOccurred())
	suite.config, err = loadConfig(ctx, upstream)
	Expect(err).NotTo(HaveOccurred())
	suite.clusterctlConfig, err = makeRepository(filepath.Join(artifacts, "repository"), upstream, created.version, suite.config.Variables)
	Expect(err).NotTo(HaveOccurred())

	scheme := runtime.NewScheme()
	framework.TryAddDefaultSchemes(scheme)
	suite.management = framework.NewClusterProxy("bootstrap", created.kubeconfigPath, scheme,
		framework.WithMachineLogCollector(framework.DockerLogCollector{}))
	enableTaintPropagation(ctx, suite.management.GetClient())
	collectManagerLogs()
})

// A spec that cannot reach its cluster leaves it. The next spec would share the machine with it, and the providers
// would not go while it is there.
var _ = ginkgo.AfterEach(func(ctx ginkgo.SpecContext) {
	clusters := &clusterv1.ClusterList{}
	Expect(suite.management.GetClient().List(ctx, clusters)).To(Succeed())
	for _, cluster := range clusters.Items {
		framework.DeleteAllClustersAndWait(ctx, framework.DeleteAllClustersAndWaitInput{
			ClusterProxy:         suite.management,
			ClusterctlConfigPath: suite.clusterctlConfig,
			Namespace:            cluster.Namespace,
			ArtifactFolder:       suite.artifacts,
		}, suite.config.GetIntervals(suite.management.GetName(), "wait-delete-cluster")...)
		framework.DeleteNamespace(ctx, framework.DeleteNamespaceInput{Deleter: suite.management.GetClient(), Name: cluster.Namespace})
	}
})

// collectManagerLogs writes the logs of the managers to the artifacts for as long as the specs run.
func collectManagerLogs() {
	ctx, stop := context.WithCancel(context.Background())
	ginkgo.DeferCleanup(stop)
	// This would run clusterctl init if it found no providers.
	clusterctl.InitManagementClusterAndWatchControllerLogs(ctx, clusterctl.InitManagementClusterAndWatchControllerLogsInput{
		ClusterProxy:             suite.management,
		ClusterctlConfigPath:     suite.clusterctlConfig,
		InfrastructureProviders:  []string{infrastructureProvider},
		LogFolder:                filepath.Join(suite.artifacts, "clusters", suite.management.GetName()),
		DisableMetricsCollection: true,
	}, suite.config.GetIntervals(suite.management.GetName(), "wait-controllers")...)
}
