// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
)

// rootfs reads files out of a Debian tar without unpacking it.
type rootfs struct {
	file    *os.File
	entries map[string]rootfsEntry
}

type rootfsEntry struct {
	header *tar.Header
	offset int64
}

func openRootfs(name string) (*rootfs, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r := &rootfs{file: file, entries: map[string]rootfsEntry{}}
	// tar reads a file without buffering, so after each header the file stands where the content begins.
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		offset, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		r.entries[path.Clean("/"+header.Name)] = rootfsEntry{header: header, offset: offset}
	}
}

// close needs no error: the file was only read.
func (r *rootfs) close() { _ = r.file.Close() }

// resolve follows the symbolic links in a name, those of folders as well (/lib is /usr/lib).
func (r *rootfs) resolve(name string) string {
	for range 16 {
		next := r.resolveOnce(name)
		if next == name {
			break
		}
		name = next
	}
	return name
}

func (r *rootfs) resolveOnce(name string) string {
	for i := 1; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		entry, ok := r.entries[name[:i]]
		if !ok || entry.header.Typeflag != tar.TypeSymlink {
			continue
		}
		target := entry.header.Linkname
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name[:i]), target)
		}
		return path.Clean(target + name[i:])
	}
	return name
}

// content reads the regular file that a resolved name stands for.
func (r *rootfs) content(name string) (*io.SectionReader, error) {
	entry, ok := r.entries[name]
	if ok && entry.header.Typeflag == tar.TypeLink {
		entry, ok = r.entries[path.Clean("/"+entry.header.Linkname)]
	}
	if !ok || entry.header.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("%s is not a file in %s", name, r.file.Name())
	}
	return io.NewSectionReader(r.file, entry.offset, entry.header.Size), nil
}

func (r *rootfs) read(name string) (string, error) {
	content, err := r.content(r.resolve(name))
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(content)
	return string(data), err
}

// withLibraries returns the resolved names of the given files and of all shared libraries they need, to run without
// the rest of Debian, and the links under which libraries are looked up.
func (r *rootfs) withLibraries(names ...string) (files []string, links map[string]string, err error) {
	links = map[string]string{}
	seen := map[string]bool{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		file := r.resolve(name)
		if directory := r.resolve(path.Dir(name)); path.Join(directory, path.Base(name)) != file {
			links[path.Join(directory, path.Base(name))] = file
		}
		if seen[file] {
			continue
		}
		seen[file] = true
		files = append(files, file)
		needed, err := r.needed(file)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, needed...)
	}
	return files, links, nil
}

// needed returns the names of the dynamic loader and the libraries that an ELF file asks for.
func (r *rootfs) needed(name string) ([]string, error) {
	content, err := r.content(name)
	if err != nil {
		return nil, err
	}
	binary, err := elf.NewFile(content)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var names []string
	for _, segment := range binary.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		loader, err := io.ReadAll(segment.Open())
		if err != nil {
			return nil, err
		}
		names = append(names, strings.TrimRight(string(loader), "\x00"))
	}
	libraries, err := binary.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("read the libraries of %s: %w", name, err)
	}
	for _, library := range libraries {
		found, err := r.library(library)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		names = append(names, found)
	}
	return names, nil
}

// library finds a shared library where Debian keeps them.
func (r *rootfs) library(name string) (string, error) {
	for _, dir := range []string{r.libraryFolder(), strings.TrimPrefix(r.libraryFolder(), "/usr")} {
		if _, ok := r.entries[r.resolve(path.Join(dir, name))]; ok {
			return path.Join(dir, name), nil
		}
	}
	return "", fmt.Errorf("needs %s, which is in no package that was installed", name)
}

func (r *rootfs) libraryFolder() string {
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	return "/usr/lib/" + triplet
}

// binaries puts programs of a rootfs into the layer, with the libraries they need.
func (w *layerWriter) binaries(r *rootfs, names ...string) error {
	// Where /lib and its like are links into /usr, libraries are looked up through them.
	for _, name := range []string{"/bin", "/lib", "/lib64", "/sbin"} {
		if entry := r.entries[name]; entry.header != nil && entry.header.Typeflag == tar.TypeSymlink {
			if err := w.symlink(name, entry.header.Linkname); err != nil {
				return err
			}
		}
	}
	files, links, err := r.withLibraries(names...)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := w.copyEntry(r, file); err != nil {
			return err
		}
	}
	for _, link := range sortedKeys(links) {
		if err := w.symlink(link, links[link]); err != nil {
			return err
		}
	}
	return nil
}

// folder returns the names in a folder.
func (r *rootfs) folder(dir string) []string {
	return slices.DeleteFunc(sortedKeys(r.entries), func(name string) bool { return path.Dir(name) != dir })
}

func (w *layerWriter) copyEntry(r *rootfs, name string) error {
	content, err := r.content(name)
	if err != nil {
		return err
	}
	return w.stream(name, r.entries[name].header.Mode&0o777, content.Size(), content)
}
