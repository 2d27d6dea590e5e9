// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// validatePortMappings checks that the mappings can be on one host together. The schema knows the ranges.
func validatePortMappings(list *field.Path, mappings []infrav1.PortMapping) field.ErrorList {
	var errs field.ErrorList
	for i, mapping := range mappings {
		at := list.Index(i)
		if problems := validateHostAddress(at.Child("listenAddress"), mapping.ListenAddress); len(problems) > 0 {
			errs = append(errs, problems...)
			continue
		}
		for j, other := range mappings[:i] {
			if Collide(mapping, other) {
				errs = append(errs, field.Invalid(at.Child("hostPort"), mapping.HostPort,
					fmt.Sprintf("is taken by %s at the same address: choose another, or none", list.Index(j))))
				break
			}
		}
	}
	return errs
}

// validateHostAddress leaves out zones: Docker's ports have none.
func validateHostAddress(path *field.Path, address string) field.ErrorList {
	if ip, err := netip.ParseAddr(address); address != "" && (err != nil || ip.Zone() != "") {
		return field.ErrorList{field.Invalid(path, address, "must be an IP address without a zone")}
	}
	return nil
}

// Collide tells whether two mappings want the same port of the host.
func Collide(a, b infrav1.PortMapping) bool {
	if a.HostPort == 0 || a.HostPort != b.HostPort || protocol(a) != protocol(b) {
		return false
	}
	x, y := listenAddress(a), listenAddress(b)
	return x == y || x.Is4() == y.Is4() && (x.IsUnspecified() || y.IsUnspecified())
}

func protocol(mapping infrav1.PortMapping) corev1.Protocol {
	if mapping.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return mapping.Protocol
}

// listenAddress is the zero address if it is not a valid one.
func listenAddress(mapping infrav1.PortMapping) netip.Addr {
	if mapping.ListenAddress == "" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	address, _ := netip.ParseAddr(mapping.ListenAddress)
	return address.Unmap()
}
