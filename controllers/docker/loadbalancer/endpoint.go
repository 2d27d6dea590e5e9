// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// defaultHostIP is where the API server's port is published: on the Docker host, for nobody else.
const defaultHostIP = "127.0.0.1"

// Endpoint is where a load balancer is reached.
type Endpoint struct {
	// HostPort is the port on the Docker host.
	HostPort int
	// IPv4 and IPv6 are the addresses on the cluster's network that are the load balancer's for good; empty where the
	// engine chooses.
	IPv4, IPv6 string
}

func (l *LoadBalancer) endpoint(found container.Container) (Endpoint, error) {
	for _, port := range found.Ports {
		if port.HostPort != 0 {
			endpoint := Endpoint{HostPort: port.HostPort}
			if found.AssignedIPv4 != "" {
				endpoint.IPv4, endpoint.IPv6 = found.AssignedIPv4, found.IPv6
			}
			return endpoint, nil
		}
	}
	return Endpoint{}, fmt.Errorf("container %s publishes no port: remove it with \"docker rm -f -v %s\", it will be made again", l.Name, l.Name)
}

// HostEndpoint is the address of the API server as seen from the Docker host. hostIP may be empty.
func HostEndpoint(hostIP string, hostPort int) string {
	if address, err := netip.ParseAddr(hostIP); err != nil || address.IsUnspecified() {
		hostIP = defaultHostIP
	}
	return net.JoinHostPort(hostIP, strconv.Itoa(hostPort))
}

// ParseHostEndpoint returns the port of a host endpoint, or 0.
func ParseHostEndpoint(endpoint string) int {
	_, text, err := net.SplitHostPort(endpoint)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
