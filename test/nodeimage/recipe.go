// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// sources are the files that say how images are made: an image is built anew when they change.
//
//go:embed *.go *.sh *.cfg go.mod go.sum kindnet pause
var sources embed.FS

// recipeHash identifies the sources together with what else goes into a result.
func recipeHash(inputs ...string) (string, error) {
	err := fs.WalkDir(sources, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := sources.ReadFile(path)
		inputs = append(inputs, path, string(data))
		return err
	})
	return shortHash(inputs...), err
}

// shortHash is a cache key: enough of a SHA-256 for names of files. Hashing each input first keeps ("ab", "c") and ("a", "bc") apart.
func shortHash(inputs ...string) string {
	h := sha256.New()
	for _, input := range inputs {
		sum := sha256.Sum256([]byte(input))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
