// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"runtime/debug"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

const upstreamModule = "sigs.k8s.io/cluster-api"

// Version is the version of Cluster API that the bundled providers are built from, for example v1.14.2. It is the
// version of all four in the inventory, because clusterctl wants providers that work together to be of one release.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	for _, module := range info.Deps {
		if module.Path == upstreamModule {
			return module.Version
		}
	}
	return unknownVersion
}

// unknownVersion is a version that clusterctl can parse, for binaries built without module information.
const unknownVersion = "v0.0.0"

// shortName is a provider's name without its type, as clusterctl users write it: `--infrastructure docker`.
func shortName(provider config.Provider) string {
	for _, prefix := range []string{"bootstrap-", "control-plane-", "infrastructure-"} {
		if short, found := strings.CutPrefix(provider.Name, prefix); found {
			return short
		}
	}
	return provider.Name
}
