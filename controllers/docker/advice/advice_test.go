// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package advice_test

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/advice"
	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func TestServes(t *testing.T) {
	g := NewWithT(t)
	for _, kind := range []string{"DockerCluster", "DockerMachine", "DevCluster", "DevMachine"} {
		g.Expect(advice.Serves(kind)).To(BeTrue(), kind)
	}
	for _, kind := range []string{"AWSMachine", "DevMachinePool", "KubeadmConfig", "Node", ""} {
		g.Expect(advice.Serves(kind)).To(BeFalse(), kind)
	}
}

func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		kind, reason string
		deleting     bool
		want         advice.Outlook
	}{
		"a command failed":                {"DockerMachine", infrav1.BootstrapFailedReason, false, advice.NeedsHelp},
		"it does whatever else happens":   {"DockerMachine", infrav1.BootstrapFailedReason, true, advice.NeedsHelp},
		"of upstream's kind":              {"DevMachine", infrav1.ImageNotFoundReason, false, advice.NeedsHelp},
		"of a cluster":                    {"DockerCluster", infrav1.SubnetInUseReason, false, advice.NeedsHelp},
		"a registry does not answer":      {"DevCluster", infrav1.ImagePullFailedReason, false, advice.Retried},
		"a port in use":                   {"DockerMachine", infrav1.HostPortInUseReason, false, advice.NeedsHelp},
		"a port that is about to be free": {"DockerMachine", infrav1.HostPortInUseReason, true, advice.Pending},
		"in progress":                     {"DockerMachine", infrav1.BootstrapNotCompletedReason, false, advice.Pending},
		"the engine does not answer":      {"DockerMachine", infrav1.ContainerEngineUnavailableReason, false, advice.Pending},
		"the same of another provider":    {"AWSMachine", infrav1.ImageNotFoundReason, false, advice.Pending},
		"to be retried, of another":       {"AWSMachine", infrav1.ImagePullFailedReason, false, advice.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(advice.Judge(test.kind, test.reason, test.deleting)).To(Equal(test.want))
		})
	}
}

// The messages are worded as the controllers and the engine do.
func TestRemedies(t *testing.T) {
	pull := (&images.PullError{Image: "kindest/node:v1.35.0", Err: errors.New("EOF")}).Error()
	port := fmt.Errorf("starting container web-md-0-a: %w", container.ErrPortTaken).Error()
	for message, want := range map[string][]string{
		pull: {"An image is missing"},
		port: {"A port of the Docker host is in use"},
		"Container web-md-0-a (0123) exists and does not belong to this machine":    {"A container of another cluster has the name"},
		"Container web-md-0-a was removed and its data with it; delete the Machine": {"but not by Cluster API"},
		"Container web-md-0-a ended with exit code 137 and is being restarted":      {"for want of memory"},
		"Container web-md-0-a ended with exit code 1 and is being restarted":        {},
		port + "\n" + pull + "\n" + pull:                                            {"An image is missing", "A port of the Docker host is in use"},
		"":                                                                          {},
	} {
		t.Run(message, func(t *testing.T) {
			g := NewWithT(t)
			texts := advice.Remedies(message)
			g.Expect(texts).To(HaveLen(len(want)))
			for i := range want {
				g.Expect(texts[i]).To(ContainSubstring(want[i]))
			}
		})
	}
}

func TestCommands(t *testing.T) {
	g := NewWithT(t)
	g.Expect(advice.Commands(identity.ProviderID("web-md-0-a"))).To(Equal([]string{
		"docker logs web-md-0-a",
		"docker exec web-md-0-a journalctl -u kubelet --no-pager -n 50",
	}))
	for _, id := range []string{"", "aws:///eu-west-1a/i-1", identity.ProviderID("")} {
		g.Expect(advice.Commands(id)).To(BeNil(), id)
	}
}
