// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"regexp"
	"strings"
)

// outputLines is how much of a command's output goes into an error.
const outputLines = 25

var (
	ansiSequence   = regexp.MustCompile("\x1b\\[[0-9;]*m")
	stackFrame     = regexp.MustCompile(`^\t.*\.(go|s):\d+$`)
	verboseLogging = regexp.MustCompile(`^I\d{4} `)
)

// digest is the end of a command's output without what hides the reason in it:
// colours, and the progress and the stack trace that kubeadm prints around an error because KinD
// asks it to be verbose.
func digest(output string) string {
	var lines []string
	for line := range strings.Lines(ansiSequence.ReplaceAllString(output, "")) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case verboseLogging.MatchString(line), strings.TrimSpace(line) == "":
		case stackFrame.MatchString(line):
			// The line before names the frame's function.
			lines = lines[:max(len(lines)-1, 0)]
		default:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(len(lines)-outputLines, 0):], "\n")
}
