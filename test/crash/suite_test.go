// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster/clustertest"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// suite is what the runs of a resource share.
type suite struct {
	*acctest.Environment
	// controllers is nil where there is no Cluster API.
	controllers *clustertest.Controllers
}

// newSuite is an API server that knows all kinds, with a stand-in for controllers and
// the class of all clusters, or one that knows no kinds of Cluster API.
func newSuite(t *testing.T, bare bool) *suite {
	t.Helper()
	if bare {
		return &suite{Environment: acctest.NeedAnotherAPIServer(t)}
	}
	environment := acctest.NeedAPIServer(t)
	on := &suite{environment, clustertest.Start(t, environment.Cluster)}
	on.makeClass(t)
	return on
}

// makeClass makes the class of all clusters here.
func (on *suite) makeClass(t *testing.T) {
	t.Helper()
	tf := newTerraform(newWorld(t, on), clusterclass.ResourceType)
	if err := tf.apply(classOf(sharedClass, "kindest/node:v1.34.3")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tf.destroy(); err != nil {
			t.Error(err)
		}
	})
}
