// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The guide's common error "failed to create kind cluster: failed to init node: kubeadm init failed".
func TestRemedy(t *testing.T) {
	if got := remedy(fmt.Errorf("%w a/b:c", errImage), Config{NodeImage: "kindest/node:v9"}); !strings.Contains(got, "kindest/node:v9") {
		t.Errorf("missing image: %q", got)
	}
	for text, want := range map[string]string{
		"Bind for 127.0.0.1:80 failed: port is already allocated": "host_port",
		"could not find a log line that matches":                  "inotify",
		"failed to init node with kubeadm: command failed":        "memory",
		"something else": "",
	} {
		got := remedy(errors.New(text), Config{NodeImage: "kindest/node:v9"})
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := remedy(fmt.Errorf("interrupted: %w", context.DeadlineExceeded), Config{}); !strings.Contains(got, "timeouts.create") {
		t.Errorf("deadline: %q", got)
	}
}

func TestDigest(t *testing.T) {
	output := "I1123 04:00:00.1 1 init.go:1] starting\n" +
		"\x1b[0;32mfailed\x1b[0m to read nonsense\r\n" +
		"\n" +
		"k8s.io/kubernetes/cmd/kubeadm/app/cmd.run\n" +
		"\tk8s.io/kubernetes@v1.35.0/cmd/kubeadm/app/cmd/init.go:181\n" +
		"runtime.goexit\n" +
		"\truntime/asm_amd64.s:1771\n"
	if got, want := digest(output), "failed to read nonsense"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := strings.Repeat("line\n", 100) + "end"
	if got := digest(long); strings.Count(got, "\n") != outputLines-1 || !strings.HasSuffix(got, "end") {
		t.Errorf("of a hundred lines left are %q", got)
	}
	if got := digest("\truntime/asm_amd64.s:1771\n"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestClean(t *testing.T) {
	for message, want := range map[string]string{
		" ✓ Preparing nodes 📦 ":             "Preparing nodes",
		" • Writing configuration 📜  ...\n": "Writing configuration 📜  ...",
		"Creating cluster \"a\" ...\n":      "Creating cluster \"a\" ...",
	} {
		if got := clean(message); got != want {
			t.Errorf("clean(%q) = %q, want %q", message, got, want)
		}
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	release := make(chan struct{})
	defer close(release)
	if err := await(ctx, func() error { <-release; return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}
