// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager/managertest"
)

// The wiring is complete: every index, watch, source and webhook can be set up.
func TestSetUp(t *testing.T) {
	mgr, err := managertest.SetUp(t, New(), "--watch-filter=mine", "--namespace=mine", "--additional-sync-machine-labels=^example.com/")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	managertest.NeedWebhooks(t, mgr, "cluster-api")
}

func TestFlagsThatAreRefused(t *testing.T) {
	for flag, problem := range map[string]string{
		"--remote-connection-grace-period=5m":       "--remote-conditions-grace-period (5m0s) must be greater",
		"--machineset-preflight-checks=All,Weather": `there is no check "Weather"`,
		"--additional-sync-machine-labels=(":        "--additional-sync-machine-labels: ",
		"--additional-sync-machine-annotations=(":   "--additional-sync-machine-annotations: ",
		"--skip-crd-migration-phases=All":           "adding the CRD migrator: ",
	} {
		t.Run(flag, func(t *testing.T) {
			_, err := managertest.SetUp(t, New(), flag)
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(problem)))
		})
	}
}

// Upstream's way to have no checks is a list of nothing.
func TestNoPreflightChecks(t *testing.T) {
	g := NewWithT(t)
	checks, err := (&options{preflightChecks: []string{""}}).preflight()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(checks).To(BeEmpty())
}
