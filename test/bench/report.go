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

type report struct {
	Nodes  string  `json:"nodes"`
	Phases []phase `json:"phases"`
}

func (r *report) add(p phase) { r.Phases = append(r.Phases, p) }

// write writes the report as text, and to a file as JSON if one is named.
func (r *report) write(w io.Writer, file string) error {
	if _, err := fmt.Fprintf(w, "%s nodes; seconds since the start of the phase, since the point before, load average\n", r.Nodes); err != nil {
		return err
	}
	for _, phase := range r.Phases {
		if _, err := fmt.Fprintf(w, "\n%s\n", phase.Name); err != nil {
			return err
		}
		before := 0.0
		for _, point := range phase.Points {
			if _, err := fmt.Fprintf(w, "  %6.1f  %+6.1f  %5s  %s\n", point.Seconds, point.Seconds-before, point.Load, point.Name); err != nil {
				return err
			}
			before = point.Seconds
		}
	}
	if file == "" {
		return nil
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o600)
}
