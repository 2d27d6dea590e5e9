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
	labels map[string]string
	files  map[string][]byte
}

// Volumes returns the names of the volumes that containers share or have shared.
func (f *Fake) Volumes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.volumes))
}

// RemoveUnusedVolumes implements Runtime.
func (f *Fake) RemoveUnusedVolumes(ctx context.Context, label string) error {
	return f.call(ctx, "RemoveUnusedVolumes", label, func() error {
		used := map[string]bool{}
		for _, c := range f.containers {
			for _, shared := range c.spec.SharedVolumes {
				used[shared.Name] = true
			}
		}
		maps.DeleteFunc(f.volumes, func(name string, v fakeVolume) bool {
			return !used[name] && hasLabels(v.labels, map[string]string{label: ""})
		})
		return nil
	})
}

func (f *Fake) makeVolumes(wanted []SharedVolume) {
	for _, shared := range wanted {
		if _, ok := f.volumes[shared.Name]; !ok {
			f.volumes[shared.Name] = fakeVolume{labels: shared.Labels, files: map[string][]byte{}}
		}
	}
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
