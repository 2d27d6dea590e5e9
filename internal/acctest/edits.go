// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import "flag"

// Edits is how many changes tests make that change things by chance. Each takes a
// second or so; a hundred are worth the time when plans have been worked on.
var Edits = flag.Int("edits", 24, "number of changes by chance")
