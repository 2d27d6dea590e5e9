// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/cluster-api/test/framework"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

//go:embed management.tf
var managementConfiguration []byte

type managementCluster struct {
	kubeconfigPath string
	// version of Cluster API in clusterctl's inventory.
	version string
}

// createManagementCluster applies management.tf in folder, and destroys it when the specs are over.
func createManagementCluster(folder string) managementCluster {
	Expect(os.MkdirAll(folder, 0o750)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(folder, "main.tf"), managementConfiguration, 0o600)).To(Succeed())
	ginkgo.DeferCleanup(func() { terraform(folder, "destroy", "-auto-approve") })
	terraform(folder, "apply", "-auto-approve")
	return managementCluster{
		kubeconfigPath: terraform(folder, "output", "-raw", "kubeconfig_path"),
		version:        terraform(folder, "output", "-raw", "version"),
	}
}

// terraform returns what a command prints. Terraform finds the provider by TF_CLI_CONFIG_FILE.
func terraform(folder string, args ...string) string {
	command := exec.Command(os.Getenv("TF_ACC_TERRAFORM_PATH"), args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=-no-color")
	command.Stderr = ginkgo.GinkgoWriter
	output := &strings.Builder{}
	command.Stdout = output
	Expect(command.Run()).To(Succeed(), "terraform %v: %s", args, output)
	return output.String()
}

// enableTaintPropagation opens an alpha gate that two specs need, in the running managers: capi_provider has no
// argument for gates.
func enableTaintPropagation(ctx context.Context, management client.Client) {
	for _, deployment := range framework.GetControllerDeployments(ctx, framework.GetControllerDeploymentsInput{Lister: management}) {
		before := deployment.DeepCopy()
		manager := &deployment.Spec.Template.Spec.Containers[0]
		manager.Args = append(manager.Args, "--feature-gates=MachineTaintPropagation=true")
		Expect(management.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(management.Get(ctx, client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
			g.Expect(deployment.Status.ObservedGeneration).To(Equal(deployment.Generation))
			g.Expect(deployment.Status.UpdatedReplicas).To(Equal(*deployment.Spec.Replicas))
			g.Expect(deployment.Status.AvailableReplicas).To(Equal(*deployment.Spec.Replicas))
			// The webhooks of the manager with the gate closed would still answer some requests.
			g.Expect(deployment.Status.Replicas).To(Equal(*deployment.Spec.Replicas))
		}, "4m", "1s").Should(Succeed(), "rollout of %s", client.ObjectKeyFromObject(deployment))
	}
}
