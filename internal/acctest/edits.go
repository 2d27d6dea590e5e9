// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import "flag"

// Edits is how many changes tests make that change things by chance. Each takes
// about half a second; a hundred are worth it when plans have been worked on.
var Edits = flag.Int("edits", 24, "number of changes by chance")
