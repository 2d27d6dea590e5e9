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
