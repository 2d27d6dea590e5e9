// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNodeLabelsOfOlderKubeadm(t *testing.T) {
	config := Config{}
	document := "kind: InitConfiguration\nnodeRegistration:\n  kubeletExtraArgs:\n    node-labels: \"a=b\"\n"
	if err := readKubeadmConfig([]byte(document), &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, config.Labels); diff != "" {
		t.Error(diff)
	}
}
