// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// writeTar makes a tar in a file, as mmdebstrap would: names begin with "./".
func writeTar(t *testing.T, headers []tar.Header, content map[string][]byte) string {
	t.Helper()
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, h := range headers {
		h.Size = int64(len(content[h.Name]))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content[h.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "rootfs.tar")
	if err := os.WriteFile(name, buffer.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func openTestRootfs(t *testing.T, headers []tar.Header, content map[string][]byte) *rootfs {
	t.Helper()
	r, err := openRootfs(writeTar(t, headers, content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func TestRootfsFollowsLinks(t *testing.T) {
	r := openTestRootfs(t, []tar.Header{
		{Name: "./lib", Typeflag: tar.TypeSymlink, Linkname: "usr/lib"},
		{Name: "./usr/lib/libz.so.1.2", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./usr/lib/libz.so.1", Typeflag: tar.TypeSymlink, Linkname: "libz.so.1.2"},
		{Name: "./usr/lib/hard", Typeflag: tar.TypeLink, Linkname: "./usr/lib/libz.so.1.2"},
	}, map[string][]byte{"./usr/lib/libz.so.1.2": []byte("compress")})

	for name, want := range map[string]string{
		"/lib/libz.so.1":      "/usr/lib/libz.so.1.2",
		"/usr/lib/libz.so.1":  "/usr/lib/libz.so.1.2",
		"/lib/nothing.so":     "/usr/lib/nothing.so",
		"/usr/lib/libz.so.1.": "/usr/lib/libz.so.1.",
	} {
		if got := r.resolve(name); got != want {
			t.Errorf("resolve(%q) = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"/lib/libz.so.1", "/usr/lib/hard"} {
		if got, err := r.read(name); got != "compress" || err != nil {
			t.Errorf("read(%q) = %q, %v", name, got, err)
		}
	}
	if _, err := r.read("/lib/nothing.so"); err == nil {
		t.Error("a file that is not there was read")
	}
	if got := r.folder("/usr/lib"); !slices.Equal(got, []string{"/usr/lib/hard", "/usr/lib/libz.so.1", "/usr/lib/libz.so.1.2"}) {
		t.Errorf("folder lists %q", got)
	}
}

// The test's own binary stands for a program. Whether it needs libraries depends on how it was built.
func TestBinariesOfStaticProgram(t *testing.T) {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("this system has no /proc")
	}
	r := openTestRootfs(t, []tar.Header{
		{Name: "./bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin"},
		{Name: "./usr/bin/program", Typeflag: tar.TypeReg, Mode: 0o755},
	}, map[string][]byte{"./usr/bin/program": program})
	if needed, err := r.needed("/usr/bin/program"); err != nil && len(needed) == 0 {
		t.Skip("the test is linked dynamically: ", err)
	}
	l, err := newLayer(filepath.Join(t.TempDir(), "layer.tar"), func(w *layerWriter) error { return w.binaries(r, "/bin/program") })
	if err != nil {
		t.Fatal(err)
	}
	if got := tarNames(t, l.path); !slices.Equal(got, []string{"bin", "usr/bin/program"}) {
		t.Errorf("the layer holds %q", got)
	}
}

func tarNames(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var names []string
	for r := tar.NewReader(file); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}
