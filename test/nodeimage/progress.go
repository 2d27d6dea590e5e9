// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// progress prints one line per step to stderr; what commands print goes to a log.
type progress struct {
	start   time.Time
	log     *os.File
	logPath string
}

func newProgress(logPath string) (*progress, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &progress{start: time.Now(), log: log, logPath: logPath}, nil
}

func (p *progress) printf(format string, args ...any) {
	elapsed := time.Since(p.start).Round(time.Second)
	fmt.Fprintf(os.Stderr, "%6s  %s\n", elapsed, fmt.Sprintf(format, args...))
}

// step runs something that takes long, and says once a minute that it still does.
func (p *progress) step(title string, f func() error) error {
	p.printf("%s", title)
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.printf("... still: %s", title)
			case <-done:
				return
			}
		}
	}()
	return f()
}

// command runs a program, logs what it prints, and shows the end of that when it fails.
func (p *progress) command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	tail := &tailWriter{max: 2000}
	cmd.Stdout = io.MultiWriter(p.log, tail)
	cmd.Stderr = cmd.Stdout
	if _, err := fmt.Fprintf(p.log, "\n$ %s\n", strings.Join(cmd.Args, " ")); err != nil {
		return err
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; the end of its output, which is in %s:\n%s", strings.Join(cmd.Args, " "), err, p.logPath, tail)
	}
	return nil
}

// output runs a program and returns what it writes to stdout.
func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// tailWriter keeps the last max bytes written to it.
type tailWriter struct {
	max  int
	data []byte
}

func (t *tailWriter) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if extra := len(t.data) - t.max; extra > 0 {
		t.data = t.data[extra:]
	}
	return len(p), nil
}

func (t *tailWriter) String() string { return string(t.data) }
