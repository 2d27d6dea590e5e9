// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
)

// The engine quotes URLs with the credentials in them. An error stays what it is without them.
func TestErrorsHaveNoCredentials(t *testing.T) {
	g := NewWithT(t)
	err := (&Docker{}).wrap(pullError(errors.New(`Get "https://bob:s3cret@mirror.example.com/v2/": manifest unknown`)), "pulling image %s", "bob:s3cret@mirror.example.com/a")
	g.Expect(err).To(MatchError(ErrNotFound))
	g.Expect(err).To(MatchError(`pulling image <redacted>@mirror.example.com/a: not found: Get "https://<redacted>@mirror.example.com/v2/": manifest unknown`))
}
