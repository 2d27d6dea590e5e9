// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestTemplatesHaveNoMachinePools(t *testing.T) {
	g := NewWithT(t)
	upstream, err := upstreamFolder(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	templates, err := renderTemplates(filepath.Join(upstream, templatesFolder))
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"cluster-template.yaml", "cluster-template-topology.yaml", "clusterclass-quick-start.yaml"} {
		g.Expect(templates).To(HaveKey(name))
	}
	for name, content := range templates {
		g.Expect(string(content)).NotTo(MatchRegexp("(?i)kind: .*MachinePool|machinePools:|machinePoolClass:"), name)
	}
	g.Expect(string(templates["clusterclass-quick-start.yaml"])).NotTo(ContainSubstring("mp-default-worker"))
	// clusterctl replaces variables in the text.
	g.Expect(string(templates["cluster-template.yaml"])).To(ContainSubstring("\ndata: ${CNI_RESOURCES}\n"))
}
