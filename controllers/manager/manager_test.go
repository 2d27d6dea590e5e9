// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/spf13/pflag"
	"sigs.k8s.io/cluster-api/feature"
)

// plain is a provider with no flags of its own.
type plain struct{ Provider }

func (plain) AddFlags(*pflag.FlagSet, *Options) {}

// The guide's common mistake "Forgetting CLUSTER_TOPOLOGY=true before clusterctl init": no argument asks for it.
func TestClusterTopologyIsOn(t *testing.T) {
	g := NewWithT(t)
	g.Expect(feature.MutableGates.Set(string(feature.ClusterTopology) + "=false")).To(Succeed())
	settings := Settings{Lease: LeaseDurations{Lease: time.Minute, Renew: 40 * time.Second, Retry: 5 * time.Second}}
	_, err := parse("cluster-api", plain{}, settings, []string{"--webhook-secret=certificate", "--webhook-service=service"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(feature.Gates.Enabled(feature.ClusterTopology)).To(BeTrue())
}
