// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns which of the names was probably meant by one that is not among them,
// empty if none is near. The longer a name, or the last step of a path, the more of it may
// differ.
func Nearest(name string, names []string) string {
	best, nearest := "", 2+len(name[strings.LastIndex(name, ".")+1:])/5
	for _, candidate := range names {
		if distance := levenshtein.Distance(strings.ToLower(name), strings.ToLower(candidate), nil); distance < nearest {
			best, nearest = candidate, distance
		}
	}
	return best
}

// didYouMean continues a message that there is no such name, and is empty if none is
// near.
func didYouMean(name string, names []string) string {
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
