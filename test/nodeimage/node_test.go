// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestPodSpec(t *testing.T) {
	got, err := podSpec([]byte(`{"process":{"cwd":"/","rlimits":[{"type":"RLIMIT_NOFILE"}]},"root":{"path":"rootfs"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"process":{"cwd":"/"},"root":{"path":"rootfs"},"hooks":{"createContainer":[{"path":"/kind/bin/mount-product-files.sh"}]}}`
	if !sameJSON(t, string(got), want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var left, right any
	for text, value := range map[string]*any{a: &left, b: &right} {
		if err := json.Unmarshal([]byte(text), value); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(left, right)
}

func TestContainerdConfig(t *testing.T) {
	const name = "./etc/containerd/config.toml"
	root := openTestRootfs(t, []tar.Header{{Name: name, Typeflag: tar.TypeReg}}, map[string][]byte{
		name: []byte("[a]\n  sandbox_image = \"registry.k8s.io/pause:3.9\"\n  other = 1\n"),
	})
	got, err := containerdConfig(root, "registry.k8s.io/pause:3.10.1")
	want := "[a]\n  sandbox_image = \"registry.k8s.io/pause:3.10.1\"\n  other = 1\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestDebianSuite(t *testing.T) {
	for name, test := range map[string]struct{ osRelease, want, wantErr string }{
		"Debian": {osRelease: "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=bookworm\n", want: "bookworm"},
		"other":  {osRelease: "PRETTY_NAME=\"Fedora Linux 43\"\nID=fedora\n", wantErr: "this is Fedora Linux 43"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "os-release")
			if err := os.WriteFile(file, []byte(test.osRelease), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := debianSuite(file)
			if got != test.want || (test.wantErr != "") != (err != nil) {
				t.Fatalf("got %q, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("the error %q does not say %q", err, test.wantErr)
			}
		})
	}
}

func TestTailWriterKeepsTheEnd(t *testing.T) {
	tail := &tailWriter{max: 5}
	for _, part := range []string{"beginning ", "and ", "end"} {
		if n, err := tail.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write returned %d, %v", n, err)
		}
	}
	if tail.String() != "d end" {
		t.Errorf("kept %q", tail)
	}
}

func TestUnknownImageIsRefused(t *testing.T) {
	err := (&builder{}).image(t.Context(), "nginx:1")
	if err == nil || !strings.Contains(err.Error(), "no recipe") {
		t.Errorf("got error %v", err)
	}
}
