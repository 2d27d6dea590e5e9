// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func measured(nodes string, kind ...point) *report {
	r := &report{Nodes: nodes}
	r.add(phase{Name: phaseKind, Points: kind})
	r.add(phase{Name: phaseApply, Points: []point{
		{Name: pointCluster, Seconds: 60}, {Name: pointWorkersReady, Seconds: 90}, {Name: pointControlPlaneReady, Seconds: 100},
		{Name: pointCreated, Seconds: 104.5},
	}})
	r.add(phase{Name: phaseUpgrade, Points: []point{{Name: pointOldGone, Seconds: 75}}})
	r.add(phase{Name: phaseDestroy, Points: []point{{Name: pointDeleted, Seconds: 9}}})
	return r
}

// A workload cluster is compared with KinD's from the moment that it exists as an object until the last of its nodes
// is ready, and with nothing where KinD failed.
func TestSummary(t *testing.T) {
	var text strings.Builder
	reports{measured("1+1", point{Name: pointKindReady, Seconds: 32}), measured("3+3", point{Name: pointKindReady})}.summary(&text)
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	g := NewWithT(t)
	g.Expect(strings.Fields(lines[len(lines)-2])).To(Equal([]string{"1+1", "32.0", "40.0", "1.25x", "44.5", "75.0", "9.0"}))
	g.Expect(strings.Fields(lines[len(lines)-1])).To(Equal([]string{"3+3", "-", "40.0", "-", "44.5", "75.0", "9.0"}))
}

// The timeline counts from the start of each phase, and from the point before.
func TestTimeline(t *testing.T) {
	var text strings.Builder
	measured("1+1", point{Name: pointKindReady, Seconds: 32, Load: "1.50"}).timeline(&text)
	g := NewWithT(t)
	g.Expect(text.String()).To(ContainSubstring("\n    32.0   +32.0   1.50  nodes Ready\n"))
	g.Expect(text.String()).To(ContainSubstring("\n    60.0   +60.0         Cluster object\n    90.0   +30.0         worker nodes Ready\n"))
}

// What is written as JSON can be read again: runs are compared by it.
func TestWrite(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "bench.json")
	before := reports{measured("1+1", point{Name: pointKindReady, Seconds: 32, Load: "1.50"})}
	g.Expect(before.write(&strings.Builder{}, file)).To(Succeed())
	content, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	var after reports
	g.Expect(json.Unmarshal(content, &after)).To(Succeed())
	g.Expect(after).To(Equal(before))
}
