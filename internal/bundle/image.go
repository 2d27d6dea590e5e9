// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	apiversion "k8s.io/apimachinery/pkg/util/version"
)

const (
	// repository of images that are assembled here and exist in no registry.
	repository = "localhost/terraform-provider-capi"

	// executablePath is where the image has the executable, and where upstream's images have theirs.
	executablePath = "/manager"
)

// Image is a controllers image.
type Image struct {
	// Reference names the image in manifests.
	Reference string

	// path of the executable that the image is made of; empty if the image comes from a registry.
	path string
}

// releases is where the images of released versions are.
const releases = "ghcr.io/terraform-capi/terraform-provider-capi"

// FromRelease is the image that was released with a version of this Terraform provider. Builds from source have none.
func FromRelease(version string) (Image, error) {
	parsed, err := apiversion.ParseSemantic(version)
	if err != nil {
		return Image{}, fmt.Errorf("version %q of this provider was not released, so that no registry has its image", version)
	}
	return Image{Reference: releases + ":v" + parsed.String()}, nil
}

// FromRegistry is an image that the management cluster's nodes pull.
func FromRegistry(reference string) (Image, error) {
	if _, err := name.ParseReference(reference); err != nil {
		return Image{}, fmt.Errorf("reading the image reference %q: %w", reference, err)
	}
	return Image{Reference: reference}, nil
}

// FromExecutable is an image made of the running executable on an empty base. Its tag is the executable's digest, so
// that plugin and controllers can never be of different versions. It exists on Linux only: nodes run nothing else.
var FromExecutable = sync.OnceValues(func() (Image, error) {
	if runtime.GOOS != "linux" {
		return Image{}, fmt.Errorf("the controllers cannot run from this executable, which is built for %s: set image to a reference in a registry", runtime.GOOS)
	}
	path, err := os.Executable()
	if err != nil {
		return Image{}, fmt.Errorf("finding the provider's executable: %w", err)
	}
	return FromFile(path)
})

// FromFile is an image made of an executable of this provider.
func FromFile(path string) (Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return Image{}, fmt.Errorf("reading the provider's executable: %w", err)
	}
	defer file.Close() //nolint:errcheck // opened for reading
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return Image{}, fmt.Errorf("reading the provider's executable: %w", err)
	}
	return Image{
		Reference: repository + ":" + hex.EncodeToString(hash.Sum(nil))[:20],
		path:      path,
	}, nil
}

// Local tells whether the image has to be loaded into nodes, because no registry has it.
func (i Image) Local() bool { return i.path != "" }

// Write writes the image as an archive that container runtimes load.
func (i Image) Write(w io.Writer) error {
	tag, err := name.NewTag(i.Reference)
	if err != nil {
		return fmt.Errorf("naming the controllers image: %w", err)
	}
	image, err := i.assemble()
	if err != nil {
		return fmt.Errorf("assembling the controllers image: %w", err)
	}
	if err := tarball.Write(tag, image, w); err != nil {
		return fmt.Errorf("writing the controllers image: %w", err)
	}
	return nil
}

func (i Image) assemble() (v1.Image, error) {
	// Not compressed: the archive goes to a node on the same machine, where compressing takes longer than copying.
	layer, err := tarball.LayerFromOpener(i.layer, tarball.WithCompression(compression.None))
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config.Entrypoint = []string{executablePath, "controllers"}
	return mutate.ConfigFile(image, file)
}

// layer is a tar stream with the executable.
func (i Image) layer() (io.ReadCloser, error) {
	file, err := os.Open(i.path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	go func() {
		defer file.Close() //nolint:errcheck // opened for reading
		archive := tar.NewWriter(writer)
		err := archive.WriteHeader(&tar.Header{Name: executablePath[1:], Typeflag: tar.TypeReg, Mode: 0o755, Size: info.Size()})
		if err == nil {
			_, err = io.Copy(archive, file)
		}
		if err == nil {
			err = archive.Close()
		}
		writer.CloseWithError(err)
	}()
	return reader, nil
}
