// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestRequiringGoMod(t *testing.T) {
	own := `module k8s.io/kubernetes

go 1.25.0

godebug default=go1.25

require (
	go.etcd.io/etcd/api/v3 v3.6.5
	k8s.io/api v0.0.0
	k8s.io/utils v0.0.0-20250604170112-4c0f3b243397
)

replace (
	example.com/fork => example.com/forked v1.2.3
	go.etcd.io/etcd/api/v3 => ../api
	k8s.io/api => ./staging/src/k8s.io/api
)
`
	want := `module nodeimage.invalid/build

go 1.25.0

godebug default=go1.25

require k8s.io/kubernetes v1.35.0

replace example.com/fork => example.com/forked v1.2.3

replace k8s.io/api => k8s.io/api v0.35.0
`
	got, err := requiringGoMod([]byte(own), "k8s.io/kubernetes", "v1.35.0", "v0.35.0")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestRequiringGoModNamesWhatItCannotParse(t *testing.T) {
	_, err := requiringGoMod([]byte("nonsense"), "example.com/m", "v1.0.0", "")
	if err == nil || err.Error()[:37] != "parse go.mod of example.com/m v1.0.0:" {
		t.Errorf("got error %v", err)
	}
}

func TestProgramName(t *testing.T) {
	for importPath, want := range map[string]string{
		"k8s.io/kubernetes/cmd/kubelet":     "kubelet",
		"github.com/coredns/coredns":        "coredns",
		"go.etcd.io/etcd/server/v3":         "server",
		"github.com/containerd/containerd/": "containerd",
	} {
		if got := programName(importPath); got != want {
			t.Errorf("programName(%q) = %q, want %q", importPath, got, want)
		}
	}
}
