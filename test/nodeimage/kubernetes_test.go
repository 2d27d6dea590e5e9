// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"testing"
)

func TestParseImages(t *testing.T) {
	got := parseImages("registry.k8s.io/kube-proxy:v1.35.0\nregistry.k8s.io/coredns/coredns:v1.13.1\nlocalhost:5000/etcd:3.6.6-0\n")
	want := map[string]string{
		"kube-proxy": "registry.k8s.io/kube-proxy:v1.35.0",
		"coredns":    "registry.k8s.io/coredns/coredns:v1.13.1",
		"etcd":       "localhost:5000/etcd:3.6.6-0",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestImageVersion(t *testing.T) {
	for reference, want := range map[string]string{
		"registry.k8s.io/etcd:3.6.6-0":            "v3.6.6",
		"registry.k8s.io/coredns/coredns:v1.13.1": "v1.13.1",
		"localhost:5000/etcd:3.5.21-1":            "v3.5.21",
	} {
		if got := imageVersion(reference); got != want {
			t.Errorf("imageVersion(%q) = %q, want %q", reference, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	served := []string{"v3.6.10", "v3.5.0", "v3.6.2", "v3.7.0-rc.1", "v3.6.4", "v3.7.1"}
	for wanted, want := range map[string]string{
		"v3.6.4":  "v3.6.4",
		"v3.6.5":  "v3.6.4",
		"v3.6.99": "v3.6.10",
		"v3.7.0":  "v3.6.10",
		"v3.9.0":  "v3.7.1",
		"v3.4.0":  "v3.5.0",
	} {
		if got := nearest(wanted, served); got != want {
			t.Errorf("nearest(%q) = %q, want %q", wanted, got, want)
		}
	}
	if got := nearest("v1.0.0", nil); got != "" {
		t.Errorf("nearest of no versions = %q", got)
	}
}

func TestStagingVersion(t *testing.T) {
	if got := stagingVersion("v1.34.3"); got != "v0.34.3" {
		t.Errorf("got %q", got)
	}
}

func TestVersionStamps(t *testing.T) {
	stamps := versionStamps("v1.34.3")
	for name, want := range map[string]string{"gitVersion": "v1.34.3", "gitMajor": "1", "gitMinor": "34"} {
		if got := stamps["k8s.io/component-base/version."+name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestKubernetesRefusesWhatIsNoVersion(t *testing.T) {
	for _, version := range []string{"", "latest", "1.35.0", "v1.35"} {
		if _, err := (&builder{}).kubernetes(t.Context(), version); err == nil {
			t.Errorf("%q was accepted", version)
		}
	}
}
