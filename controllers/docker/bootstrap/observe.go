// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

const (
	// LogPath is where a container has what its bootstrap wrote.
	LogPath = "/" + directory + "/log"

	resultPath       = "/" + directory + "/result"
	imagesLoadedPath = "/" + directory + "/images-loaded"

	// logLines and lineLength are how much of a log a message has. A condition with more than 32 KiB is refused, and
	// nobody would learn anything.
	logLines, lineLength = 12, 500
)

// FileReader reads the files in which containers say how their bootstrap goes.
type FileReader interface {
	ReadFile(ctx context.Context, name, path string) ([]byte, error)
}

// Engine has the containers that bootstrap themselves.
type Engine interface {
	FileReader
	CopyTo(ctx context.Context, name, directory string, archive io.Reader) error
	Exec(ctx context.Context, name string, exec container.Exec) (int, error)
}

// Result is the outcome of a bootstrap.
type Result struct {
	// ExitCode is 0 if every command has succeeded.
	ExitCode int
	// command is the one that failed, log the end of what it wrote. They may have secrets.
	command, log string
}

// Succeeded tells whether every command has succeeded.
func (r Result) Succeeded() bool { return r.ExitCode == 0 }

// Describe says what failed, without the secrets of the bootstrap data.
func (r Result) Describe(secrets *redact.Contents) string {
	return fmt.Sprintf("command %q failed with exit code %d:\n%s", secrets.Text(r.command), r.ExitCode, tail(r.log, secrets))
}

// DescribeWithoutLog says what failed if the secrets are not known.
func (r Result) DescribeWithoutLog(name string) string {
	return fmt.Sprintf("command %q failed with exit code %d; what it wrote is in %s of container %s",
		redact.Text(r.command), r.ExitCode, LogPath, name)
}

// ReadResult returns the outcome of a container's bootstrap, or nil if there is none yet. The container need not
// run.
func ReadResult(ctx context.Context, engine FileReader, name string) (*Result, error) {
	content, err := engine.ReadFile(ctx, name, resultPath)
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
		command:  strings.TrimSpace(strings.TrimPrefix(command, "command=")),
		log:      log,
	}, nil
}

// ReadLog returns the end of what the bootstrap has written so far, without the secrets of the bootstrap data.
func ReadLog(ctx context.Context, engine FileReader, name string, secrets *redact.Contents) (string, error) {
	content, err := engine.ReadFile(ctx, name, LogPath)
	if errors.Is(err, container.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return tail(string(content), secrets), nil
}

// WaitForResult blocks until the bootstrap of a running container has a result. The waiting is done by a shell in
// the node, so it costs no traffic. It fails when the container goes down.
func WaitForResult(ctx context.Context, engine Engine, name string) error {
	code, err := engine.Exec(ctx, name, container.Exec{
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

// MarkImagesLoaded lets the commands of a node with WaitForImages run.
func MarkImagesLoaded(ctx context.Context, engine Engine, name string) error {
	archive, err := container.Archive([]container.File{{Path: imagesLoadedPath[1:], Mode: 0o600}})
	if err != nil {
		return err
	}
	return engine.CopyTo(ctx, name, "/", strings.NewReader(string(archive)))
}

// AreImagesLoaded tells whether MarkImagesLoaded was called.
func AreImagesLoaded(ctx context.Context, engine FileReader, name string) (bool, error) {
	_, err := engine.ReadFile(ctx, name, imagesLoadedPath)
	if errors.Is(err, container.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// tail is the end of a log, without secrets.
func tail(log string, secrets *redact.Contents) string {
	// A secret that is cut would not be recognised, such as a key of many lines.
	log = strings.Join(last(strings.Split(strings.TrimSpace(log), "\n"), 10*logLines), "\n")
	lines := last(strings.Split(secrets.Text(log), "\n"), logLines)
	for i, line := range lines {
		if runes := []rune(line); len(runes) > lineLength {
			lines[i] = string(runes[:lineLength]) + "..."
		}
	}
	return strings.Join(lines, "\n")
}

func last(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }
