// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// goProgram is one or more commands of a module, built as the module itself would build them.
type goProgram struct {
	module, version string
	// staging is the version of the modules that the module's repository holds as folders (k8s.io/api and friends).
	staging string
	tags    string
	// stamps are variables set at link time, by import path and name.
	stamps map[string]string
	// packages maps the names of the binaries to their import paths.
	packages map[string]string
}

// build compiles those of the program's binaries that are not in the cache, and returns the paths of all.
func (b *builder) build(ctx context.Context, p goProgram) (map[string]string, error) {
	gomod, err := p.goMod(ctx)
	if err != nil {
		return nil, err
	}
	ldflags := "-s -w"
	for _, name := range sortedKeys(p.stamps) {
		ldflags += fmt.Sprintf(" -X %s=%s", name, p.stamps[name])
	}
	key := shortHash(runtime.Version(), runtime.GOARCH, string(gomod), p.tags, ldflags)
	dir := filepath.Join(b.cache, "bin", fmt.Sprintf("%s-%s-%s", programName(p.module), p.version, key))

	binaries := map[string]string{}
	for name := range p.packages {
		binaries[name] = filepath.Join(dir, name)
	}
	if len(missing(binaries)) == 0 {
		return binaries, nil
	}
	if err := b.exclusively(); err != nil {
		return nil, err
	}
	// Whoever was waited for may have built them.
	names := missing(binaries)
	if len(names) == 0 {
		return binaries, nil
	}
	title := fmt.Sprintf("compiling %s %s: %s", p.module, p.version, strings.Join(names, " "))
	return binaries, b.step(title, func() error { return b.compile(ctx, p, gomod, ldflags, dir, names) })
}

func missing(binaries map[string]string) []string {
	return slices.DeleteFunc(sortedKeys(binaries), func(name string) bool {
		_, err := os.Stat(binaries[name])
		return err == nil
	})
}

// compile builds in a folder of its own and moves only finished binaries to dir, so that the cache never holds half of one.
func (b *builder) compile(ctx context.Context, p goProgram, gomod []byte, ldflags, dir string, names []string) error {
	work, err := os.MkdirTemp(b.cache, scratchPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.WriteFile(filepath.Join(work, "go.mod"), gomod, 0o644); err != nil {
		return err
	}
	args := []string{"build", "-mod=mod", "-trimpath", "-buildvcs=false", "-tags", p.tags, "-ldflags", ldflags, "-o", "bin/"}
	for _, name := range names {
		args = append(args, p.packages[name])
	}
	if err := b.command(ctx, work, []string{"CGO_ENABLED=0", "GOWORK=off"}, "go", args...); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(work, "bin", programName(p.packages[name])), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// goMod returns the go.mod of a module that only requires the program's.
func (p goProgram) goMod(ctx context.Context) ([]byte, error) {
	m, err := download(ctx, p.module, p.version)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(m.GoMod)
	if err != nil {
		return nil, err
	}
	return requiringGoMod(data, p.module, p.version, p.staging)
}

// requiringGoMod writes a go.mod that requires the module whose own go.mod is data, and repeats those of its settings
// that Go heeds only in a main module: replacements and godebug. A replacement by a folder becomes one by the version
// staging where the folder's own version is only a place holder (v0.0.0), and is dropped otherwise.
func requiringGoMod(data []byte, module, version, staging string) ([]byte, error) {
	from, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, fmt.Errorf("parse go.mod of %s %s: %w", module, version, err)
	}
	to := &modfile.File{}
	if err := to.AddModuleStmt("nodeimage.invalid/build"); err != nil {
		return nil, err
	}
	if from.Go != nil {
		if err := to.AddGoStmt(from.Go.Version); err != nil {
			return nil, err
		}
	}
	for _, debug := range from.Godebug {
		if err := to.AddGodebug(debug.Key, debug.Value); err != nil {
			return nil, err
		}
	}
	if err := to.AddRequire(module, version); err != nil {
		return nil, err
	}
	required := map[string]string{}
	for _, r := range from.Require {
		required[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range from.Replace {
		target := r.New
		if modfile.IsDirectoryPath(target.Path) {
			if required[r.Old.Path] != "v0.0.0" {
				continue
			}
			target.Path, target.Version = r.Old.Path, staging
		}
		if err := to.AddReplace(r.Old.Path, r.Old.Version, target.Path, target.Version); err != nil {
			return nil, err
		}
	}
	to.Cleanup()
	return to.Format()
}

type moduleInfo struct{ Dir, GoMod, Error string }

// download brings a module into Go's module cache and tells where it is.
func download(ctx context.Context, module, version string) (*moduleInfo, error) {
	out, err := output(ctx, os.TempDir(), "go", "mod", "download", "-json", module+"@"+version)
	if err != nil {
		return nil, err
	}
	info := &moduleInfo{}
	if err := json.Unmarshal(out, info); err != nil {
		return nil, fmt.Errorf("read what go mod download says about %s: %w", module, err)
	}
	return info, nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// programName is the name that go build gives the binary of a package.
func programName(importPath string) string {
	name := path.Base(importPath)
	if majorVersion.MatchString(name) {
		name = path.Base(path.Dir(importPath))
	}
	return name
}
