// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	managementName = "capi-bench"
	clusterName    = "bench"
)

// workspace is a copy of the example that terraform runs in.
type workspace struct {
	options
	directory string
}

func newWorkspace(ctx context.Context, o options) (*workspace, error) {
	directory, err := os.MkdirTemp("", "capi-bench-")
	if err != nil {
		return nil, err
	}
	w := &workspace{options: o, directory: directory}
	if err := os.CopyFS(directory, os.DirFS(o.example)); err != nil {
		return nil, err
	}
	for _, leftover := range []string{".terraform", ".terraform.lock.hcl", "terraform.tfstate"} {
		if err := os.RemoveAll(filepath.Join(directory, leftover)); err != nil {
			return nil, err
		}
	}
	out, err := w.command(ctx, "init", "-input=false", "-plugin-dir="+o.plugins).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("terraform init: %w: %s", err, out)
	}
	return w, nil
}

func (w *workspace) remove() { _ = os.RemoveAll(w.directory) }

func (w *workspace) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, w.terraform, args...)
	command.Dir = w.directory
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Env = append(os.Environ(), "TF_LOG_PROVIDER=INFO", "TF_LOG_PATH="+w.log())
	return command
}

func (w *workspace) log() string { return filepath.Join(w.directory, "provider.log") }

// phase runs a terraform command that changes something, and collects the points in time that terraform, the
// provider's log and the watch report.
func (w *workspace) phase(ctx context.Context, name, version string, watch watch) (phase, error) {
	result := phase{Name: name}
	_ = os.Remove(w.log())
	command := w.command(ctx, name, "-json", "-auto-approve", "-input=false",
		"-var=management_cluster_name="+managementName, "-var=cluster_name="+clusterName, "-var=kubernetes_version="+version,
		fmt.Sprintf("-var=control_plane_replicas=%d", w.controlPlanes), fmt.Sprintf("-var=worker_replicas=%d", w.workers))
	out, err := command.StdoutPipe()
	if err != nil {
		return result, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return result, err
	}

	var lock sync.Mutex
	mark := func(name string) {
		lock.Lock()
		defer lock.Unlock()
		result.Points = append(result.Points, newPoint(name, start, time.Now()))
	}
	watchCtx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	if watch != nil {
		watching.Go(func() { watch(watchCtx, mark) })
	}
	problems := readEvents(bufio.NewScanner(out), mark)
	err = command.Wait()
	stop()
	watching.Wait()
	mark("terraform " + name + " done")
	result.Points = append(result.Points, w.imageLoad(start)...)
	slices.SortFunc(result.Points, func(a, b point) int { return int((a.Seconds - b.Seconds) * 1000) })
	if err != nil {
		return result, fmt.Errorf("terraform %s: %w\n%s", name, err, strings.Join(problems, "\n"))
	}
	return result, nil
}

// readEvents reads terraform's machine-readable output: which resource is done when, and what went wrong.
func readEvents(lines *bufio.Scanner, mark func(string)) (problems []string) {
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Type string `json:"type"`
			Hook struct {
				Resource struct {
					Addr string `json:"addr"`
				} `json:"resource"`
				Action string `json:"action"`
			} `json:"hook"`
			Diagnostic struct {
				Severity string `json:"severity"`
				Summary  string `json:"summary"`
				Detail   string `json:"detail"`
			} `json:"diagnostic"`
		}
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		switch event.Type {
		case "apply_complete":
			mark(fmt.Sprintf("%s: %s", event.Hook.Resource.Addr, event.Hook.Action))
		case "diagnostic":
			if event.Diagnostic.Severity == "error" {
				problems = append(problems, event.Diagnostic.Summary+": "+event.Diagnostic.Detail)
			}
		}
	}
	return problems
}

// The provider logs when it begins to load the image, and when it begins to install a provider with it.
var logLine = regexp.MustCompile(`^(\S+) \[INFO\]\s+\S+ (loading the controllers image|installing )`)

// imageLoad is when the controllers image had been loaded into the management cluster.
func (w *workspace) imageLoad(start time.Time) []point {
	content, err := os.ReadFile(w.log())
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(content)) {
		match := logLine.FindStringSubmatch(line)
		if match == nil || !strings.HasPrefix(match[2], "installing") {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05.000Z0700", match[1])
		if err != nil {
			return nil
		}
		return []point{newPoint("controllers image loaded", start, at)}
	}
	return nil
}
