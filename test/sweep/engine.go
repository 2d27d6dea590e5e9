// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ofTests are the names that tests give to what they make on the engine.
var ofTests = regexp.MustCompile(`\bacc(\b|[0-9])`)

// gone is what the engine says of what does not exist.
var gone = regexp.MustCompile(`(?i)no such|not found`)

// event is one of the engine's, as the docker command prints it.
type event struct {
	Type   string
	Action string
	Actor  struct {
		ID         string
		Attributes map[string]string
	}
}

// made are the things that tests made, by their ids, with what to call them.
type made map[string]string

// note takes down what an event tells.
func (m made) note(e event) {
	key := e.Type + " " + e.Actor.ID
	switch {
	case e.Type == "container" && e.Action == "create":
		if slices.ContainsFunc(slices.Collect(maps.Values(e.Actor.Attributes)), ofTests.MatchString) {
			m[key] = "container " + e.Actor.Attributes["name"]
		}
	case e.Type == "volume" && e.Action == "mount":
		if owner, ours := m["container "+e.Actor.Attributes["container"]]; ours {
			m[key] = "volume " + e.Actor.ID + " of " + owner
		}
	case e.Type == "network" && e.Action == "create", e.Type == "image" && (e.Action == "tag" || e.Action == "load" || e.Action == "pull"):
		if name := e.Actor.Attributes["name"]; ofTests.MatchString(name) {
			m[e.Type+" "+name] = e.Type + " " + name
		}
	}
}

// engineWatch follows an engine's events until left is called.
type engineWatch struct {
	stop context.CancelFunc
	done chan made
}

func watchEngine(ctx context.Context) (*engineWatch, error) {
	// Events of before would be those of another run, and the engine's clock counts.
	since, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.SystemTime}}").Output()
	if err != nil {
		return nil, fmt.Errorf("the Docker engine does not answer: %w", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	events := exec.CommandContext(ctx, "docker", "events", "--since", strings.TrimSpace(string(since)), "--format", "{{json .}}")
	out, err := events.StdoutPipe()
	if err == nil {
		err = events.Start()
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("cannot watch the Docker engine: %w", err)
	}
	w := &engineWatch{stop: stop, done: make(chan made, 1)}
	go func() {
		w.done <- read(out)
		_ = events.Wait()
	}()
	return w, nil
}

func read(events io.Reader) made {
	m := made{}
	for lines := bufio.NewScanner(events); lines.Scan(); {
		e := event{}
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			m.note(e)
		}
	}
	return m
}

// left is what tests made and still exists.
func (w *engineWatch) left(ctx context.Context) ([]string, error) {
	// The last events may be on their way.
	time.Sleep(2 * time.Second)
	w.stop()
	m := <-w.done
	var left []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		kind, id, _ := strings.Cut(key, " ")
		out, err := exec.CommandContext(ctx, "docker", kind, "inspect", "--format", "{{.}}", id).CombinedOutput()
		switch {
		case err == nil:
			left = append(left, m[key])
		case !gone.Match(out):
			return left, fmt.Errorf("cannot tell whether %s still exists: %s", m[key], out)
		}
	}
	return left, nil
}
