// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	resultPath       = "/" + directory + "/result"
	logPath          = "/" + directory + "/log"
	imagesLoadedPath = "/" + directory + "/images-loaded"

	// logLines and lineLength are how much of a log a message has. A condition with more than 32 KiB is refused, and
	// nobody would learn anything.
	logLines, lineLength = 12, 500
)

// Result is the outcome of a bootstrap.
type Result struct {
	// ExitCode is 0 if every command has succeeded.
	ExitCode int
	// Command is the one that failed.
	Command string
	// Log is the end of what it wrote.
	Log string
}

// Succeeded tells whether every command has succeeded.
func (r Result) Succeeded() bool { return r.ExitCode == 0 }

// String says what failed.
func (r Result) String() string {
	return fmt.Sprintf("command %q failed with exit code %d:\n%s", r.Command, r.ExitCode, r.Log)
}

// ReadResult returns the outcome of a container's bootstrap, or nil if there is none yet. The container need not
// run.
func ReadResult(ctx context.Context, runtime container.Runtime, name string) (*Result, error) {
	content, err := runtime.ReadFile(ctx, name, resultPath)
	if errors.Is(err, container.ErrNotFound) {
		return nil, nil //nolint:nilnil // No result is an answer.
	}
	if err != nil {
		return nil, err
	}
	return parseResult(string(content))
}

func parseResult(content string) (*Result, error) {
	head, log, _ := strings.Cut(content, "\n\n")
	exit, command, _ := strings.Cut(head, "\n")
	text, ok := strings.CutPrefix(exit, "exit=")
	code, err := strconv.Atoi(text)
	if !ok || err != nil {
		return nil, fmt.Errorf("the bootstrap left a result that is not understood: %q", exit)
	}
	return &Result{
		ExitCode: code,
		Command:  strings.TrimSpace(strings.TrimPrefix(command, "command=")),
		Log:      tail(log),
	}, nil
}

// ReadLog returns the end of what the bootstrap has written so far.
func ReadLog(ctx context.Context, runtime container.Runtime, name string) (string, error) {
	content, err := runtime.ReadFile(ctx, name, logPath)
	if errors.Is(err, container.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return tail(string(content)), nil
}

// WaitForResult blocks until the bootstrap of a running container has a result. The waiting is done by a shell in
// the node, so it costs no traffic. It fails when the container goes down.
func WaitForResult(ctx context.Context, runtime container.Runtime, name string) error {
	code, err := runtime.Exec(ctx, name, container.Exec{
		Command: []string{"/bin/sh", "-c", "until [ -e " + resultPath + " ]; do sleep 0.2; done"},
	})
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("waiting in container %s ended with exit code %d", name, code)
	}
	return nil
}

// ImagesLoaded lets the commands of a node with WaitForImages run.
func ImagesLoaded(ctx context.Context, runtime container.Runtime, name string) error {
	archive, err := container.Archive([]container.File{{Path: imagesLoadedPath[1:], Mode: 0o600}})
	if err != nil {
		return err
	}
	return runtime.CopyTo(ctx, name, "/", strings.NewReader(string(archive)))
}

// AreImagesLoaded tells whether ImagesLoaded was called.
func AreImagesLoaded(ctx context.Context, runtime container.Runtime, name string) (bool, error) {
	_, err := runtime.ReadFile(ctx, name, imagesLoadedPath)
	if errors.Is(err, container.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// tail is the end of a log, without secrets.
func tail(log string) string {
	// A secret that is cut would not be recognised.
	all := strings.Split(strings.TrimSpace(redact(log)), "\n")
	if len(all) > logLines {
		all = all[len(all)-logLines:]
	}
	for i, line := range all {
		if runes := []rune(line); len(runes) > lineLength {
			all[i] = string(runes[:lineLength]) + "..."
		}
	}
	return strings.Join(all, "\n")
}

// secrets are what kubeadm may print, bootstrap tokens and certificate keys, and password hashes in commands.
var secrets = regexp.MustCompile(`\b([a-z0-9]{6}\.[a-z0-9]{16}|[a-f0-9]{64})\b|\$(2[abxy]|[1567]|y|gy)\$[\w./$=,+-]{8,}`)

func redact(text string) string {
	return secrets.ReplaceAllString(text, "<redacted>")
}
