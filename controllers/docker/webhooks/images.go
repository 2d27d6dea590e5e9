// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"fmt"
	"slices"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// validateImage checks that a reference is one that Docker understands. The value is what the user has written.
func validateImage(path *field.Path, value, ref string) field.ErrorList {
	if _, err := reference.ParseNormalizedNamed(ref); err != nil {
		return field.ErrorList{field.Invalid(path, value, "is not a valid image reference: "+err.Error())}
	}
	return nil
}

func validateImagePull(path *field.Path, pull infrav1.ImagePull) field.ErrorList {
	var errs field.ErrorList
	if ref := pull.SecretRef; ref != nil {
		errs = append(errs, validateObjectName(path.Child("secretRef", "name"), "Secret", ref.Name)...)
	}
	for i, mirror := range pull.Mirrors {
		at := path.Child("mirrors").Index(i)
		errs = append(errs, validateRegistry(at.Child("registry"), mirror.Registry)...)
		errs = append(errs, validateMirror(at.Child("mirror"), mirror.Mirror)...)
		if slices.Contains(pull.Mirrors[:i], mirror) {
			errs = append(errs, field.Duplicate(at, mirror))
		}
	}
	return errs
}

// validateRegistry checks that there are image references with that registry, else nothing would ever be looked for
// at its mirrors. References have "docker.io" for Docker Hub, whatever its hosts are called.
func validateRegistry(path *field.Path, registry string) field.ErrorList {
	named, err := reference.ParseNormalizedNamed(registry + "/image")
	if err == nil && reference.Domain(named) == registry {
		return nil
	}
	return field.ErrorList{field.Invalid(path, registry, "must be HOST[:PORT] as image references have it, such as "+
		"\"docker.io\" or \"registry.example.com:5000\", without scheme and path")}
}

// validateMirror checks that image references with the mirror in the registry's place mean the mirror: in
// "mirror/image" it would be a repository of Docker Hub.
func validateMirror(path *field.Path, mirror string) field.ErrorList {
	named, err := reference.ParseNormalizedNamed(mirror + "/image")
	if err == nil && named.Name() == mirror+"/image" {
		return nil
	}
	return field.ErrorList{field.Invalid(path, mirror, "must be HOST[:PORT][/PATH], without a scheme; a HOST other than "+
		"\"localhost\" needs a dot if there is no PORT")}
}

func validateObjectName(path *field.Path, kind, name string) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, fmt.Sprintf("must name a %s in the same namespace", kind))}
	}
	var errs field.ErrorList
	for _, problem := range validation.IsDNS1123Subdomain(name) {
		errs = append(errs, field.Invalid(path, name, fmt.Sprintf("must be the name of a %s: %s", kind, problem)))
	}
	return errs
}
