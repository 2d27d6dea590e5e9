// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

type kubeconfigMerge struct{}

// NewKubeconfigMerge returns the function kubeconfig_merge.
func NewKubeconfigMerge() function.Function { return kubeconfigMerge{} }

func (kubeconfigMerge) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "kubeconfig_merge"
}

func (kubeconfigMerge) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Several kubeconfigs in one",
		MarkdownDescription: "Returns a kubeconfig with the contexts of all that are given under new names, the keys of the map, so that names that are used twice do no harm. " +
			"Each gives its current context; its cluster and its user get the same name. The current context is the first, in the order of the names. " +
			"It is an error if a kubeconfig names files. Sensitive kubeconfigs give a sensitive result.",
		Parameters: []function.Parameter{function.MapParameter{
			Name: "kubeconfigs", MarkdownDescription: "Kubeconfigs, as YAML or JSON, by the names of the contexts that they become.", ElementType: types.StringType,
		}},
		Return: function.StringReturn{},
	}
}

func (kubeconfigMerge) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var texts map[string]string
	resp.Error = req.Arguments.Get(ctx, &texts)
	if resp.Error != nil {
		return
	}
	merged := clientcmdapi.NewConfig()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := addContext(merged, name, texts[name]); err != nil {
			resp.Error = function.NewArgumentFuncError(0, fmt.Sprintf("kubeconfig %q: %v", name, err))
			return
		}
	}
	text, err := clientcmd.Write(*merged)
	if err != nil {
		resp.Error = function.NewFuncError(err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, string(text))
}

// addContext adds the current context of a kubeconfig under a name.
func addContext(merged *clientcmdapi.Config, name, text string) error {
	config, err := loadKubeconfig(text)
	if err != nil {
		return err
	}
	if _, err := parseContext(config, config.CurrentContext); err != nil {
		return err
	}
	selected := config.Contexts[config.CurrentContext].DeepCopy()
	merged.Clusters[name] = config.Clusters[selected.Cluster]
	if user := config.AuthInfos[selected.AuthInfo]; user != nil {
		merged.AuthInfos[name] = user
	}
	selected.Cluster, selected.AuthInfo = name, name
	merged.Contexts[name] = selected
	if merged.CurrentContext == "" {
		merged.CurrentContext = name
	}
	return nil
}
