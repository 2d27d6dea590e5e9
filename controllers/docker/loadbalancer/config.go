// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	_ "embed"
	"strconv"
)

// defaultTemplate is the configuration of a cluster that has none of its own.
//
//go:embed haproxy.cfg.tmpl
var defaultTemplate string

// apiServerPort is where API servers listen in their nodes.
const apiServerPort = 6443

// Config is what the load balancer is configured from.
type Config struct {
	// Port is the port of the control plane endpoint.
	Port int32
	// Servers are the containers of the control plane machines, running or not. Whether they get requests is decided by
	// their health.
	Servers []string
	// IPv6 makes the load balancer listen and connect with IPv6.
	IPv6 bool
	// Template replaces the built-in configuration unless empty.
	Template string
}

// templateData has the names that upstream's Docker provider gives to users' templates.
type templateData struct {
	FrontendControlPlanePort string
	BackendControlPlanePort  string
	BackendServers           map[string]backendServer
	IPv6                     bool
}

type backendServer struct {
	Address string
	Weight  int
}

// render makes HAProxy's configuration. Servers are addressed by name, so that a node that comes back with
// another address is found again without anybody noticing.
func (c Config) render() ([]byte, error) {
	text := c.Template
	if text == "" {
		text = defaultTemplate
	}
	data := templateData{
		FrontendControlPlanePort: strconv.Itoa(int(c.Port)),
		BackendControlPlanePort:  strconv.Itoa(apiServerPort),
		BackendServers:           map[string]backendServer{},
		IPv6:                     c.IPv6,
	}
	for _, name := range c.Servers {
		data.BackendServers[name] = backendServer{Address: name, Weight: 100}
	}
	return execute(text, data)
}
