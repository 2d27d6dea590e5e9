// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// The last of the nodes that share an image takes it along.
func TestRemoveVolumesOfImages(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	shared, err := images.Volumes(t.Context(), e, []images.Image{{Name: image, Local: image}})
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"test-1", "test-2"} {
		g.Expect(e.Create(t.Context(), container.Spec{Name: name, Image: image, SharedVolumes: shared})).To(Succeed())
	}
	remove := func(name string) {
		found, err := e.Inspect(t.Context(), name)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = Remove(t.Context(), e, []Cluster{{Containers: []container.Container{found}}}, "")
		g.Expect(err).NotTo(HaveOccurred())
	}
	remove("test-1")
	g.Expect(e.Volumes()).To(HaveLen(1))
	remove("test-2")
	g.Expect(e.Volumes()).To(BeEmpty())
}
