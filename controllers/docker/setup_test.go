// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager/managertest"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// The wiring is complete: every watch, source and webhook can be set up.
func TestAddToManager(t *testing.T) {
	g := NewWithT(t)
	mgr := managertest.New(t, New().Settings())
	g.Expect(AddToManager(t.Context(), mgr, Options{})).To(MatchError(ContainSubstring("container runtime")))
	g.Expect(AddToManager(t.Context(), mgr, Options{Engine: container.NewFake(), WatchFilter: "mine"})).To(Succeed())
	managertest.NeedWebhooks(t, mgr, "infrastructure-docker")
}
