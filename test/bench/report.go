// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// point is something that happened.
type point struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	// Load is the load average of the last minute when it happened.
	Load string `json:"load"`
}

func newPoint(name string, start, at time.Time) point {
	return point{Name: name, Seconds: at.Sub(start).Seconds(), Load: load()}
}

// load is empty where the system does not tell.
func load() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Fields(string(content))[0]
}

type phase struct {
	Name   string  `json:"name"`
	Points []point `json:"points"`
}

// Phases of a run. Those that a terraform command does have its name.
const (
	phaseKind    = "kind alone: create, nodes Ready"
	phaseApply   = "apply"
	phaseUpgrade = "upgrade"
	phaseDestroy = "destroy"
)

// report is about a cluster of one size.
type report struct {
	Nodes  string  `json:"nodes"`
	Phases []phase `json:"phases"`
}

func (r *report) add(p phase) { r.Phases = append(r.Phases, p) }

// at is when something happened in a phase, or 0 if it did not.
func (r *report) at(phase, point string) float64 {
	for _, p := range r.Phases {
		if p.Name != phase {
			continue
		}
		for _, candidate := range p.Points {
			if candidate.Name == point {
				return candidate.Seconds
			}
		}
	}
	return 0
}

type reports []*report

// write writes the reports as text, and to a file as JSON if one is named.
func (r reports) write(w io.Writer, file string) error {
	var text strings.Builder
	for _, report := range r {
		report.timeline(&text)
	}
	r.summary(&text)
	if _, err := io.WriteString(w, text.String()); err != nil || file == "" {
		return err
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o600)
}

func (r *report) timeline(text *strings.Builder) {
	fmt.Fprintf(text, "%s nodes; seconds since the start of the phase, since the point before, load average\n", r.Nodes)
	for _, phase := range r.Phases {
		fmt.Fprintf(text, "\n%s\n", phase.Name)
		before := 0.0
		for _, point := range phase.Points {
			fmt.Fprintf(text, "  %6.1f  %+6.1f  %5s  %s\n", point.Seconds, point.Seconds-before, point.Load, point.Name)
			before = point.Seconds
		}
	}
	text.WriteString("\n")
}

// summary sets the workload clusters beside KinD's, from the moment that each exists as an object.
func (r reports) summary(text *strings.Builder) {
	text.WriteString("Seconds; of a workload cluster, from its object on\n\n  nodes   kind Ready   nodes Ready   of kind's   Available   upgrade   deletion\n")
	for _, report := range r {
		start := report.at(phaseApply, pointCluster)
		ready := max(report.at(phaseApply, pointControlPlaneReady), report.at(phaseApply, pointWorkersReady)) - start
		floor, times := "-", "-"
		if seconds := report.at(phaseKind, pointKindReady); seconds > 0 {
			floor, times = fmt.Sprintf("%.1f", seconds), fmt.Sprintf("%.2fx", ready/seconds)
		}
		fmt.Fprintf(text, "  %-5s  %11s  %12.1f  %10s  %10.1f  %8.1f  %9.1f\n", report.Nodes, floor, ready, times,
			report.at(phaseApply, pointCreated)-start, report.at(phaseUpgrade, pointOldGone), report.at(phaseDestroy, pointDeleted))
	}
}
