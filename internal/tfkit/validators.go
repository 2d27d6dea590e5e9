// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// stringValidator makes a validator of a check. Null and unknown values pass: a
// required attribute is not for a validator to miss, and an unknown one is
// checked when it is known.
type stringValidator struct {
	description string
	check       func(string) error
}

var _ validator.String = stringValidator{}

func (v stringValidator) Description(context.Context) string         { return v.description }
func (v stringValidator) MarkdownDescription(context.Context) string { return v.description }

func (v stringValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value",
			within(req.Path)+sentences(fmt.Sprintf("%q is not valid: %s", req.ConfigValue.ValueString(), err), "The value must be "+v.description))
	}
}

// within names an attribute inside of another, where Terraform shows the line on which
// the outermost begins.
func within(p path.Path) string {
	if len(p.Steps()) < 2 {
		return ""
	}
	return p.String() + ": "
}

// DNSLabel accepts DNS-1123 labels of at most maxLength characters, as the names
// of most Kubernetes objects are. Kubernetes itself allows 63.
func DNSLabel(maxLength int) validator.String {
	return stringValidator{
		description: fmt.Sprintf("at most %d lower case letters, digits and dashes, starting and ending with a letter or digit", maxLength),
		check: func(value string) error {
			if len(value) > maxLength {
				return fmt.Errorf("it has %d characters", len(value))
			}
			return joined(validation.IsDNS1123Label(value))
		},
	}
}

// DNSSubdomain accepts DNS-1123 subdomains, which Kubernetes allows as names
// of objects where it does not ask for labels.
func DNSSubdomain() validator.String {
	return stringValidator{
		description: "at most 253 lower case letters, digits, dashes and dots, starting and ending with a letter or digit",
		check:       func(value string) error { return joined(validation.IsDNS1123Subdomain(value)) },
	}
}

// Quantity accepts quantities as Kubernetes writes them.
func Quantity() validator.String {
	return stringValidator{
		description: "a quantity, such as 500m or 128Mi",
		check: func(value string) error {
			_, err := resource.ParseQuantity(value)
			return err
		},
	}
}

// KubernetesVersion accepts versions as Cluster API writes them, such as
// v1.35.0.
func KubernetesVersion() validator.String {
	return stringValidator{
		description: "a full semantic version with a leading v, such as v1.35.0",
		check: func(value string) error {
			if !strings.HasPrefix(value, "v") {
				return errors.New("the leading v is missing")
			}
			_, err := version.ParseSemantic(value)
			return err
		},
	}
}

// CIDR accepts IPv4 and IPv6 ranges such as 10.10.0.0/16.
func CIDR() validator.String {
	return stringValidator{
		description: "a network in CIDR notation, such as 10.10.0.0/16",
		check: func(value string) error {
			_, _, err := net.ParseCIDR(value)
			return err
		},
	}
}

// IPAddress accepts IPv4 and IPv6 addresses.
func IPAddress() validator.String {
	return stringValidator{
		description: "an IP address, such as 127.0.0.1",
		check: func(value string) error {
			if net.ParseIP(value) == nil {
				return errors.New("it is not an IP address")
			}
			return nil
		},
	}
}

// Duration accepts positive durations as Go writes them, such as 90s or 1h30m.
func Duration() validator.String {
	return stringValidator{
		description: "a positive duration, such as 90s or 1h30m",
		check: func(value string) error {
			duration, err := time.ParseDuration(value)
			if err == nil && duration <= 0 {
				return errors.New("it is not positive")
			}
			return err
		},
	}
}

// Timestamp accepts points in time as Kubernetes keeps them.
func Timestamp() validator.String {
	return stringValidator{
		description: "a time as in RFC 3339, in whole seconds, such as 2026-01-31T10:00:00Z",
		check: func(value string) error {
			parsed, err := time.Parse(time.RFC3339, value)
			if err == nil && parsed.Nanosecond() != 0 {
				return errors.New("it has fractions of a second")
			}
			return err
		},
	}
}

// IntOrPercent accepts amounts that are a whole number or a percentage.
func IntOrPercent() validator.String {
	return stringValidator{
		description: "a whole number or a percentage, such as 1 or 25%",
		check: func(value string) error {
			_, err := strconv.ParseUint(strings.TrimSuffix(value, "%"), 10, 31)
			if err != nil {
				return errors.New("it is neither a number nor a percentage")
			}
			return nil
		},
	}
}

// AbsolutePath accepts absolute paths.
func AbsolutePath() validator.String {
	return stringValidator{
		description: "an absolute path",
		check: func(value string) error {
			if !filepath.IsAbs(value) {
				return errors.New("it is a relative path")
			}
			return nil
		},
	}
}

// YAMLObject accepts YAML whose content is a mapping with a kind, such as a patch of a
// configuration file of Kubernetes.
func YAMLObject() validator.String {
	return stringValidator{
		description: "a YAML document that is a mapping and has a kind",
		check: func(value string) error {
			var object map[string]any
			if err := yaml.Unmarshal([]byte(value), &object); err != nil {
				return err
			}
			if kind, _ := object["kind"].(string); kind == "" {
				return errors.New("it has no kind")
			}
			return nil
		},
	}
}

// ManagementClusterID accepts ids of management clusters, such as kind://mgmt.
func ManagementClusterID() validator.String {
	return stringValidator{
		description: "the id of a management cluster, such as kind://mgmt",
		check: func(value string) error {
			if value == "" {
				return errors.New("it is empty; leave the attribute out to use the provider block's connection")
			}
			return management.ValidateID(value)
		},
	}
}

// ImageReference accepts references of container images.
func ImageReference() validator.String {
	return stringValidator{
		description: "a reference of a container image, such as kindest/node:v1.35.0",
		check: func(value string) error {
			_, err := name.ParseReference(value)
			return err
		},
	}
}

// LabelKey accepts the keys of Kubernetes labels and annotations.
func LabelKey() validator.String {
	return stringValidator{
		description: "a key of a Kubernetes label or annotation: an optional DNS name and a slash, and up to 63 letters, digits, dashes, underscores and dots",
		check:       func(value string) error { return joined(validation.IsQualifiedName(value)) },
	}
}

// LabelValue accepts the values of Kubernetes labels.
func LabelValue() validator.String {
	return stringValidator{
		description: "up to 63 letters, digits, dashes, underscores and dots",
		check:       func(value string) error { return joined(validation.IsValidLabelValue(value)) },
	}
}

func joined(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}
