// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"maps"
	"slices"
	"strings"
)

type fakeVolume struct {
	// container is the id of the one that an anonymous volume was made for; empty for volumes that are shared.
	container string
	labels    map[string]string
	files     map[string][]byte
}

// Volumes returns the names of the volumes that containers share or have shared.
func (f *Fake) Volumes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name, v := range f.volumes {
		if v.container == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// UnusedVolumes is as Docker's.
func (f *Fake) UnusedVolumes(ctx context.Context, label string) (names []string, err error) {
	err = f.call(ctx, "UnusedVolumes", label, func() error { names = f.unusedVolumes(label); return nil })
	return names, err
}

// RemoveUnusedVolumes is as Docker's.
func (f *Fake) RemoveUnusedVolumes(ctx context.Context, label string) error {
	return f.call(ctx, "RemoveUnusedVolumes", label, func() error {
		for _, name := range f.unusedVolumes(label) {
			delete(f.volumes, name)
		}
		return nil
	})
}

func (f *Fake) unusedVolumes(label string) []string {
	used := map[string]bool{}
	for _, c := range f.containers {
		for _, shared := range c.spec.SharedVolumes {
			used[shared.Name] = true
		}
		for name, v := range f.volumes {
			used[name] = used[name] || v.container == c.ID
		}
	}
	key, value, _ := strings.Cut(label, "=")
	var unused []string
	for _, name := range slices.Sorted(maps.Keys(f.volumes)) {
		if !used[name] && hasLabels(f.volumes[name].labels, map[string]string{key: value}) {
			unused = append(unused, name)
		}
	}
	return unused
}

func (f *Fake) makeVolumes(c *fakeContainer) {
	for _, shared := range c.spec.SharedVolumes {
		if _, ok := f.volumes[shared.Name]; !ok {
			f.volumes[shared.Name] = fakeVolume{labels: shared.Labels, files: map[string][]byte{}}
		}
	}
	for _, path := range c.spec.Volumes {
		f.volumes[c.ID+path] = fakeVolume{container: c.ID, labels: c.spec.Labels}
	}
}

// removeVolumes removes the anonymous volumes of a container.
func (f *Fake) removeVolumes(c *fakeContainer) {
	maps.DeleteFunc(f.volumes, func(_ string, v fakeVolume) bool { return v.container == c.ID })
}

// files is where a file of a container is kept, and under which key: in a volume, or in the container itself.
func (f *Fake) files(c *fakeContainer, file string) (map[string][]byte, string) {
	for _, shared := range c.spec.SharedVolumes {
		if key, found := strings.CutPrefix(file, shared.Target+"/"); found {
			return f.volumes[shared.Name].files, key
		}
	}
	return c.files, file
}
