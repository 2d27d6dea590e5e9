// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
)

const (
	// dockerHub is Docker Hub in image references.
	dockerHub = "docker.io"
	// dockerHubAddress is what engines know its credentials by.
	dockerHubAddress = "https://index.docker.io/v1/"
)

// Credentials let the engine pull from a registry.
type Credentials struct {
	// Username and Password of the account.
	Username, Password string
	// IdentityToken and RegistryToken are what some registries give out instead of a password.
	IdentityToken, RegistryToken string
	// ServerAddress is the registry that they are for. Engines use them for no other.
	ServerAddress string
}

// Keychain has the credentials of registries, or of parts of them: its keys are beginnings of image names, such as
// "docker.io" or "registry.example.com:5000/team".
type Keychain map[string]Credentials

// ParseDockerConfig returns the credentials that a Docker configuration file (config.json) has. Those that it leaves
// to credential helpers are missing; it is an error if there are no others. Errors have no credentials in them.
func ParseDockerConfig(content []byte) (Keychain, error) {
	config := struct {
		Auths map[string]registry.AuthConfig `json:"auths"`
	}{}
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, fmt.Errorf("it is not a Docker configuration file: %w", err)
	}
	keychain := Keychain{}
	// Several keys may mean one registry. In this order that of "docker login" comes last.
	for _, key := range slices.Sorted(maps.Keys(config.Auths)) {
		credentials, err := decodeCredentials(config.Auths[key])
		if err != nil {
			return nil, fmt.Errorf("the credentials for %s cannot be used: %w", key, err)
		}
		name := registryName(key)
		if credentials == (Credentials{}) {
			continue
		}
		credentials.ServerAddress, _, _ = strings.Cut(name, "/")
		if name == dockerHub {
			credentials.ServerAddress = dockerHubAddress
		}
		keychain[name] = credentials
	}
	if len(keychain) == 0 {
		return nil, errors.New("it has no credentials: those of credential helpers (credsStore, credHelpers) " +
			"are only on the computer of \"docker login\"")
	}
	return keychain, nil
}

func decodeCredentials(auth registry.AuthConfig) (Credentials, error) {
	credentials := Credentials{
		Username: auth.Username, Password: auth.Password,
		IdentityToken: auth.IdentityToken, RegistryToken: auth.RegistryToken,
	}
	if auth.Auth == "" {
		return credentials, nil
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(auth.Auth, "="))
	if err != nil {
		return Credentials{}, fmt.Errorf("auth is not base64: %w", err)
	}
	var found bool
	if credentials.Username, credentials.Password, found = strings.Cut(string(decoded), ":"); !found {
		return Credentials{}, errors.New("auth is not USERNAME:PASSWORD in base64")
	}
	return credentials, nil
}

// registryName is the beginning of the image names that a key of a configuration file is for. Keys may be URLs of
// a registry's API.
func registryName(key string) string {
	if _, rest, found := strings.Cut(key, "://"); found {
		key = rest
	}
	key = strings.TrimSuffix(key, "/")
	key = strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
	switch key {
	case "index.docker.io", "registry-1.docker.io":
		return dockerHub
	}
	return key
}

// For returns the credentials for an image: those for the longest part of its name. Nil if there are none.
func (k Keychain) For(image string) *Credentials {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return nil
	}
	for name := named.Name(); ; {
		if credentials, ok := k[name]; ok {
			return &credentials
		}
		end := strings.LastIndex(name, "/")
		if end < 0 {
			return nil
		}
		name = name[:end]
	}
}
