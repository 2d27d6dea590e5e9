// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// heldBy is how the guide names tests, and the folder that has them.
	heldBy   = regexp.MustCompile("((?:`Test\\w+`(?:, )?)+) \\(([\\w/]+)\\)")
	testName = regexp.MustCompile(`Test\w+`)
)

// The tests that the guide names for what it promises exist.
func TestPromises(t *testing.T) {
	guide, err := os.ReadFile("../../templates/guides/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	named, found := len(testName.FindAll(guide, -1)), 0
	for _, match := range heldBy.FindAllStringSubmatch(string(guide), -1) {
		tests := testsIn(t, match[2])
		for _, name := range testName.FindAllString(match[1], -1) {
			found++
			if !strings.Contains(tests, "\nfunc "+name+"(") {
				t.Errorf("%s has no %s", match[2], name)
			}
		}
	}
	if found == 0 || found != named {
		t.Errorf("%d of %d tests are named with their folder", found, named)
	}
}

// testsIn is the content of all files with tests in a folder of the project.
func testsIn(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var content strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content.Write(source)
	}
	return content.String()
}
