// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"os"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }
