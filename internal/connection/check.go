// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// checks look at what can be told from a value alone. Whatever files, commands and servers it names may come to exist until
// it is used.
var checks = map[Attribute]func(Connection, string) error{
	Kubeconfig:           Connection.checkKubeconfig,
	Host:                 func(_ Connection, text string) error { return checkHost(text) },
	Token:                func(_ Connection, text string) error { return checkToken(text) },
	ClusterCACertificate: func(_ Connection, text string) error { return checkAuthority(text) },
	ClientCertificate:    Connection.checkPair,
	Insecure:             func(_ Connection, text string) error { return checkBool(text) },
	InCluster:            func(_ Connection, text string) error { return checkBool(text) },
	ProxyURL:             func(_ Connection, text string) error { return checkProxy(text) },
	Exec: func(_ Connection, text string) error {
		_, err := parseExec(text)
		return err
	},
}

func (c Connection) check() []Problem {
	var problems []Problem
	for _, attribute := range c.said(nil) {
		check, value := checks[attribute], c.values[attribute]
		if check == nil || value.Unknown {
			continue
		}
		if err := check(c, value.Text); err != nil {
			problems = append(problems, Problem{attribute, "Invalid connection", fmt.Sprintf("%s is not valid: %s.", capitalize(c.Source(attribute)), err)})
		}
	}
	return problems
}

func (c Connection) checkKubeconfig(text string) error {
	kubeconfig, err := clientcmd.Load([]byte(text))
	if err != nil {
		return concealed(text, err)
	}
	if c.values[Context].Unknown {
		return nil
	}
	_, err = c.contextOf(kubeconfig)
	return err
}

// concealed is an error about a text that has credentials.
func concealed(text string, err error) error {
	var secrets redact.Contents
	secrets.Add(text)
	return secrets.Error(err)
}

func checkHost(text string) error {
	_, _, err := rest.DefaultServerURL(text, "", schema.GroupVersion{}, true)
	return err
}

// checkToken does not repeat the token.
func checkToken(text string) error {
	if strings.ContainsAny(text, " \t\r\n") {
		return errors.New("a token has no blanks or line breaks")
	}
	return nil
}

func checkAuthority(text string) error {
	if _, err := certutil.ParseCertsPEM([]byte(text)); err != nil {
		return asPEM(text, err)
	}
	return nil
}

// asPEM says what is probably meant if a text is not PEM: clouds give certificates in base64.
func asPEM(text string, err error) error {
	if decoded, decodeErr := base64.StdEncoding.DecodeString(text); decodeErr == nil && strings.Contains(string(decoded), "-----BEGIN") {
		return errors.New("it is encoded in base64: use base64decode")
	}
	return err
}

func (c Connection) checkPair(text string) error {
	if c.values[ClientKey].Unknown {
		return nil
	}
	_, err := tls.X509KeyPair([]byte(text), []byte(c.values[ClientKey].Text))
	if err != nil {
		return asPEM(text, err)
	}
	return nil
}

func checkBool(text string) error {
	_, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("it is neither true nor false")
	}
	return nil
}

// checkProxy knows the kinds of proxies that client-go does.
func checkProxy(text string) error {
	proxy, err := url.Parse(text)
	if err != nil {
		return redact.Error(err)
	}
	if !slices.Contains([]string{"http", "https", "socks5"}, proxy.Scheme) || proxy.Host == "" {
		return errors.New("a proxy is an URL such as http://proxy.example.com:3128, or one with https or socks5")
	}
	return nil
}

// ExecSpec is a command that prints credentials, as a kubeconfig has it.
type ExecSpec struct {
	APIVersion string            `json:"api_version"`
	Command    string            `json:"command"`
	Args       []string          `json:"args,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
}

// execVersions are those of the protocol that client-go speaks.
var execVersions = []string{"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"}

func parseExec(text string) (*ExecSpec, error) {
	spec := &ExecSpec{}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(spec); err != nil {
		return nil, concealed(text, err)
	}
	if !slices.Contains(execVersions, spec.APIVersion) {
		return nil, fmt.Errorf("api_version is %q, and must be one of %s", spec.APIVersion, strings.Join(execVersions, ", "))
	}
	if spec.Command == "" {
		return nil, errors.New("command is missing")
	}
	return spec, nil
}
