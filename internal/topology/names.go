// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

const (
	hashLength = 10
	// maxNameLength is the API server's limit for the names of most kinds.
	maxNameLength = 253
)

// TemplateName returns the name of the template object that has the given
// content and plays the given role in a ClusterClass. Cluster API's templates
// are immutable: a change of content has to be a new object, so the name ends
// in a hash of the content. Equal content always gives the same name, whatever
// the order of its keys.
func TemplateName(class, role string, content map[string]any) (string, error) {
	// encoding/json writes the keys of maps in order, at every depth.
	canonical, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("cannot hash the %s template of class %q: %w", role, class, err)
	}
	sum := sha256.Sum256(canonical)
	prefix := class + "-" + role
	if limit := maxNameLength - hashLength - 1; len(prefix) > limit {
		prefix = prefix[:limit]
	}
	return prefix + "-" + hex.EncodeToString(sum[:])[:hashLength], nil
}
