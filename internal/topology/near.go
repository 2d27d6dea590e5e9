// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// didYouMean continues a message that there is no such name, with the one that was
// probably meant, and is empty if none is near.
func didYouMean(name string, names []string) string {
	best, nearest := "", 2+len(name[strings.LastIndex(name, ".")+1:])/5
	for _, candidate := range names {
		if distance := levenshtein.Distance(strings.ToLower(name), strings.ToLower(candidate), nil); distance < nearest {
			best, nearest = candidate, distance
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}
