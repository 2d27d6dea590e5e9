// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

// Every provider that can be installed can also be run, with types that do not contradict each other.
func TestEveryBundledProviderCanRun(t *testing.T) {
	for _, name := range config.Names() {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			provider, err := find(name)
			g.Expect(err).NotTo(HaveOccurred())
			settings := provider.Settings()
			g.Expect(settings.LeaderElectionID).NotTo(BeEmpty())
			g.Expect(settings.AddToScheme(runtime.NewScheme())).To(Succeed())
		})
	}
}

func TestRunSaysWhatThereIs(t *testing.T) {
	for _, args := range [][]string{nil, {"--leader-elect"}, {"--provider=docker"}} {
		err := Run(t.Context(), args)
		NewWithT(t).Expect(err).To(MatchError(Or(
			ContainSubstring(strings.Join(config.Names(), "|")),
			ContainSubstring(strings.Join(config.Names(), ", ")))), "%v", args)
	}
}

// Flags are checked where the controllers do not run, and without changing anything there.
func TestCheck(t *testing.T) {
	for _, name := range config.Names() {
		for flag, fails := range map[string]bool{
			"--kube-api-qps=50": false, "--kube-api-qps=many": true, "--no-such-flag=1": true, "--logging-format=yaml": true, "--tls-min-version=1.9": true,
		} {
			if err := Check(name, []string{flag}); (err != nil) != fails {
				t.Errorf("%s %s: %v", name, flag, err)
			}
		}
	}
	if Check("infrastructure-aws", nil) == nil {
		t.Error("a provider that is not bundled has flags")
	}
}
