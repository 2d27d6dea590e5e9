// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// engine is the Docker engine that tools/engine.sh started for the tests alone.
type engine struct {
	t      *testing.T
	folder string
}

// needEngine skips the test unless it may do to the engine what it likes.
func needEngine(t *testing.T) engine {
	t.Helper()
	folder := os.Getenv("DISPOSABLE_ENGINE")
	if folder == "" {
		t.Skip("the test stalls, fills up, or restarts the Docker engine; make test-resilience gives it one that nothing else uses")
	}
	return engine{t: t, folder: folder}
}

// pid of dockerd.
func (e engine) pid() int {
	e.t.Helper()
	content, err := os.ReadFile(filepath.Join(e.folder, "dockerd.pid"))
	NewWithT(e.t).Expect(err).NotTo(HaveOccurred())
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	NewWithT(e.t).Expect(err).NotTo(HaveOccurred())
	return pid
}

// restart ends dockerd, which stops all containers, and returns when the next one answers.
func (e engine) restart() {
	e.t.Helper()
	g, ended := NewWithT(e.t), e.pid()
	g.Expect(syscall.Kill(ended, syscall.SIGTERM)).To(Succeed())
	g.Eventually(func(g Gomega) {
		g.Expect(e.pid()).NotTo(Equal(ended))
		out, err := exec.CommandContext(e.t.Context(), "docker", "info").CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(out))
	}).WithTimeout(recoveryTime).WithPolling(time.Second).Should(Succeed())
}

// stall suspends dockerd and its containerd until resume is called. Connections are accepted, and never answered.
func (e engine) stall() (resume func()) {
	e.t.Helper()
	pids := append([]int{e.pid()}, childrenOf(e.t, e.pid(), "containerd")...)
	NewWithT(e.t).Expect(pids).To(HaveLen(2), "dockerd and its containerd")
	signal := func(sig syscall.Signal) {
		for _, pid := range pids {
			NewWithT(e.t).Expect(syscall.Kill(pid, sig)).To(Succeed())
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

// childrenOf are the processes of a name that a process started.
func childrenOf(t *testing.T, pid int, name string) (children []int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pgrep", "--exact", "--parent", strconv.Itoa(pid), name).Output()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, field := range strings.Fields(string(out)) {
		child, err := strconv.Atoi(field)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		children = append(children, child)
	}
	return children
}

// fill leaves this many bytes free on the file system of the engine's data, until empty is called.
func (e engine) fill(free uint64) (empty func()) {
	e.t.Helper()
	g, ballast := NewWithT(e.t), filepath.Join(e.folder, "data", "ballast")
	available := e.free()
	g.Expect(available).To(BeNumerically(">", free))
	out, err := exec.CommandContext(e.t.Context(), "fallocate", "--length", fmt.Sprint(available-free), ballast).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	return func() { g.Expect(os.RemoveAll(ballast)).To(Succeed()) }
}

// free is what is left on the file system of the engine's data, in bytes.
func (e engine) free() uint64 {
	e.t.Helper()
	var stat syscall.Statfs_t
	NewWithT(e.t).Expect(syscall.Statfs(filepath.Join(e.folder, "data"), &stat)).To(Succeed())
	return stat.Bavail * uint64(stat.Bsize) //nolint:gosec // A block's size is positive.
}
