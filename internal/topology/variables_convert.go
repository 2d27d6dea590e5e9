// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// ConvertVariables gives the values of a Cluster's variables the types that the schemas
// of its class ask for, as ConvertFields does with fields. A nil class converts nothing.
func ConvertVariables(class *clusterv1.ClusterClass, cluster *unstructured.Unstructured) {
	if class == nil {
		return
	}
	schemas := map[string]*structuralschema.Structural{}
	for i := range class.Spec.Variables {
		schemas[class.Spec.Variables[i].Name], _ = variableSchema(&class.Spec.Variables[i].Schema.OpenAPIV3Schema)
	}
	for i := range class.Status.Variables {
		variable := &class.Status.Variables[i]
		if len(variable.Definitions) > 0 && !ptr.Deref(variable.DefinitionsConflict, false) {
			schemas[variable.Name], _ = variableSchema(&variable.Definitions[0].Schema.OpenAPIV3Schema)
		}
	}
	topology := asMap(asMap(cluster.Object["spec"])["topology"])
	convertVariables(schemas, topology["variables"])
	sets := []any{topology["controlPlane"]}
	for _, kind := range []string{"machineDeployments", "machinePools"} {
		list, _ := asMap(topology["workers"])[kind].([]any)
		sets = append(sets, list...)
	}
	for _, set := range sets {
		convertVariables(schemas, asMap(asMap(set)["variables"])["overrides"])
	}
}

// variableSchema fails for a schema that cannot be read, which is for the validation of
// its class to say.
func variableSchema(schema *clusterv1.JSONSchemaProps) (s *structuralschema.Structural, err error) {
	defer Guard("Kubernetes' reading of a variable's schema", &err)
	props, err := publicSchema(schema)
	if err != nil {
		return nil, err
	}
	return structural(props)
}

func convertVariables(schemas map[string]*structuralschema.Structural, variables any) {
	list, _ := variables.([]any)
	for _, item := range list {
		variable := asMap(item)
		name, _ := variable["name"].(string)
		if schema := schemas[name]; schema != nil {
			variable["value"] = converted(schema, variable["value"])
		}
	}
}
