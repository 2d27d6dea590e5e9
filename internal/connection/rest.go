// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// managementCluster names what a kubeconfig made from attributes has.
const managementCluster = "management-cluster"

// RESTConfig is the connection for clients. The errors are management.ErrNotConfigured and management.ErrNotKnownYet, and others
// about files and commands that are not there.
func (c Connection) RESTConfig() (*rest.Config, error) {
	if c.place == "" {
		return nil, c.placeless()
	}
	if c.fault != nil {
		return nil, c.fault
	}
	if unknown := c.unknown(); len(unknown) > 0 {
		return nil, fmt.Errorf("%w: %w: %s", management.ErrNotConfigured, management.ErrNotKnownYet, strings.Join(unknown, ", "))
	}
	if c.place == InCluster {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("%s cannot be used: Terraform does not run in a pod of the management cluster: %w", c.Source(InCluster), err)
		}
		return config, nil
	}
	kubeconfig, err := c.kubeconfig()
	if err != nil {
		return nil, err
	}
	context, err := c.contextOf(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", c.Source(c.place), err)
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*kubeconfig, context, c.overrides(), nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", c.Source(c.place), err)
	}
	return config, c.prepareExec(config)
}

// placeless says that nothing says where the management cluster is.
func (c Connection) placeless() error {
	if c.String() != "" {
		return fmt.Errorf("%w: host is missing beside %s", management.ErrNotConfigured, c)
	}
	return fmt.Errorf("%w: set management_cluster, or kubeconfig, kubeconfig_path, host or in_cluster in the provider block", management.ErrNotConfigured)
}

func (c Connection) unknown() []string {
	var unknown []string
	for _, attribute := range c.said(nil) {
		if c.values[attribute].Unknown {
			unknown = append(unknown, c.Source(attribute))
		}
	}
	return unknown
}

// kubeconfig is the one that is given, or one with the host.
func (c Connection) kubeconfig() (*clientcmdapi.Config, error) {
	text := c.values[c.place].Text
	switch c.place {
	case Kubeconfig:
		return clientcmd.Load([]byte(text))
	case KubeconfigPath:
		path, err := management.ExpandHome(text)
		if err != nil {
			return nil, err
		}
		// Paths inside are relative to it, which clientcmd.LoadFromFile does not know.
		kubeconfig, err := (&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}).Load()
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", c.Source(KubeconfigPath), err)
		}
		return kubeconfig, nil
	}
	server, _, err := rest.DefaultServerURL(text, "", schema.GroupVersion{}, true)
	if err != nil {
		return nil, fmt.Errorf("%s is not valid: %w", c.Source(Host), err)
	}
	user := &clientcmdapi.AuthInfo{
		Token:                 c.values[Token].Text,
		ClientCertificateData: []byte(c.values[ClientCertificate].Text),
		ClientKeyData:         []byte(c.values[ClientKey].Text),
	}
	if text := c.values[Exec].Text; text != "" {
		if user.Exec, err = execConfig(text); err != nil {
			return nil, fmt.Errorf("%s is not valid: %w", c.Source(Exec), err)
		}
	}
	return &clientcmdapi.Config{
		CurrentContext: managementCluster,
		Contexts:       map[string]*clientcmdapi.Context{managementCluster: {Cluster: managementCluster, AuthInfo: managementCluster}},
		Clusters:       map[string]*clientcmdapi.Cluster{managementCluster: {Server: server.String()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{managementCluster: user},
	}, nil
}

func execConfig(text string) (*clientcmdapi.ExecConfig, error) {
	spec, err := parseExec(text)
	if err != nil {
		return nil, err
	}
	config := &clientcmdapi.ExecConfig{
		APIVersion: spec.APIVersion, Command: spec.Command, Args: spec.Args,
		InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		config.Env = append(config.Env, clientcmdapi.ExecEnvVar{Name: name, Value: spec.Env[name]})
	}
	return config, nil
}

// contextOf is the context of a kubeconfig that is to be used.
func (c Connection) contextOf(kubeconfig *clientcmdapi.Config) (string, error) {
	name := cmp.Or(c.values[Context].Text, kubeconfig.CurrentContext)
	if kubeconfig.Contexts[name] != nil {
		return name, nil
	}
	wanted := "its current context"
	if c.values[Context].Text != "" {
		wanted = c.Source(Context)
	}
	return "", fmt.Errorf("it has no context %q, which is %s, but %q", name, wanted, slices.Sorted(maps.Keys(kubeconfig.Contexts)))
}

// overrides are the values that replace those of the kubeconfig.
func (c Connection) overrides() *clientcmd.ConfigOverrides {
	insecure, _ := strconv.ParseBool(c.values[Insecure].Text) // It has been checked.
	return &clientcmd.ConfigOverrides{ClusterInfo: clientcmdapi.Cluster{
		CertificateAuthorityData: []byte(c.values[ClusterCACertificate].Text),
		InsecureSkipTLSVerify:    insecure,
		TLSServerName:            c.values[TLSServerName].Text,
		ProxyURL:                 c.values[ProxyURL].Text,
	}}
}

// prepareExec looks for the command that prints credentials, and keeps it from asking anybody.
func (c Connection) prepareExec(config *rest.Config) error {
	command := config.ExecProvider
	if command == nil {
		return nil
	}
	source := c.Source(c.place)
	if c.place == Host {
		source = c.Source(Exec)
	}
	command.StdinUnavailable, command.StdinUnavailableMessage = true, "Terraform runs providers without a terminal"
	if command.InteractiveMode == clientcmdapi.AlwaysExecInteractiveMode {
		return fmt.Errorf("%s cannot be used: its command %q has to ask a person (interactiveMode is Always), and %s",
			source, command.Command, command.StdinUnavailableMessage)
	}
	command.InteractiveMode = clientcmdapi.NeverExecInteractiveMode
	if _, err := exec.LookPath(command.Command); err != nil {
		cause := errors.Unwrap(err)
		if hint := strings.TrimSpace(command.InstallHint); hint != "" {
			return fmt.Errorf("%s cannot be used: its command %q is not on this machine: %w: %s", source, command.Command, cause, hint)
		}
		return fmt.Errorf("%s cannot be used: its command %q is not on this machine: %w", source, command.Command, cause)
	}
	return nil
}
