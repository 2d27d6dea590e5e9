// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/util/wait"
)

// adoptOrphans makes processes whose parents have ended children of this one.
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// leftProcesses are those that have not ended some seconds after the command that started them. It ends them.
func leftProcesses(ctx context.Context) (left []string) {
	var running map[int]string
	_ = wait.PollUntilContextTimeout(context.WithoutCancel(ctx), 100*time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		running = children()
		return len(running) == 0, nil
	})
	for pid, command := range running {
		left = append(left, fmt.Sprintf("process %d: %s", pid, command))
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return left
}

// children are the commands of this process's children that have not ended.
func children() map[int]string {
	found := map[int]string{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // It has just ended.
		}
		// The command's name, in parentheses, may have any character.
		fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
		if fields[0] == "Z" || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		found[pid] = strings.ReplaceAll(strings.TrimRight(string(command), "\x00"), "\x00", " ")
	}
	return found
}
