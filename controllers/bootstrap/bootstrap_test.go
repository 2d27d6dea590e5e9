// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager/managertest"
)

// The wiring is complete: every watch, source and webhook can be set up.
func TestSetUp(t *testing.T) {
	mgr, err := managertest.SetUp(t, New(), "--watch-filter=mine")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	managertest.NeedWebhooks(t, mgr, "bootstrap-kubeadm")
}
