// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// loadKubeconfig reads a kubeconfig that has everything in itself.
func loadKubeconfig(text string) (*clientcmdapi.Config, error) {
	config, err := clientcmd.Load([]byte(text))
	if err != nil {
		var secrets redact.Contents
		secrets.Add(text)
		return nil, fmt.Errorf("it is not a kubeconfig: %w", secrets.Error(err))
	}
	if len(config.Contexts) == 0 {
		return nil, errors.New("it is not a kubeconfig, or one without contexts")
	}
	for _, name := range slices.Sorted(maps.Keys(config.Clusters)) {
		if file := config.Clusters[name].CertificateAuthority; file != "" {
			return nil, inFile("cluster", name, file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.AuthInfos)) {
		user := config.AuthInfos[name]
		if file := cmp.Or(user.ClientCertificate, user.ClientKey, user.TokenFile); file != "" {
			return nil, inFile("user", name, file)
		}
	}
	return config, nil
}

func inFile(kind, name, file string) error {
	return fmt.Errorf("%s %q needs the file %s, and functions read none: kubectl config view --flatten puts it into the kubeconfig", kind, name, file)
}
