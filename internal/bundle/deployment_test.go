// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
)

// The soft limit is far above what a manager asks for, or Go would spend its time on collecting garbage, and there is no
// hard one, at which the kernel would kill it.
func TestSoftMemoryLimit(t *testing.T) {
	container := installation{}.container()
	var limit string
	for _, env := range container.Env {
		if env.Name == "GOMEMLIMIT" {
			limit = env.Value
		}
	}
	// Go writes units with a B, Kubernetes without.
	quantity, err := resource.ParseQuantity(strings.TrimSuffix(limit, "B"))
	if err != nil {
		t.Fatalf("limit %q: %v", limit, err)
	}
	if request := container.Resources.Requests.Memory(); quantity.Value() < 8*request.Value() {
		t.Errorf("the soft limit %s is too near to the request %s", limit, request)
	}
	if len(container.Resources.Limits) > 0 {
		t.Errorf("hard limits: %v", container.Resources.Limits)
	}
}
