// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhookstest

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config/configtest"
)

// Objects is how many objects of a kind tests make by chance. A million are worth it when admission has been worked on.
var Objects = flag.Int("objects", 300, "number of objects of a kind by chance")

// Random makes an object of a kind by chance, from its schema: every field, with values that are right for some fields
// and bad for others.
func Random(r *rand.Rand, kind string) map[string]any {
	content := map[string]any{"metadata": map[string]any{"name": "a", "namespace": "default"}}
	content["spec"] = value(r, configtest.SchemaOf(kind).Properties["spec"], "")
	if kind == "DockerCluster" && r.IntN(10) == 0 {
		content["metadata"].(map[string]any)["annotations"] = map[string]any{ //nolint:forcetypeassert // It is made above.
			"docker.infrastructure.cluster.x-k8s.io/host-endpoint": text(r, "host-endpoint"),
		}
	}
	return content
}

// value makes a value of a schema. Few fields of an object are set, so that one bad value does not hide all others.
func value(r *rand.Rand, schema apiextensionsv1.JSONSchemaProps, name string) any {
	switch {
	case schema.XIntOrString && r.IntN(2) == 0, schema.Type == "integer":
		return pick(r, int64(-1), 0, 1, 80, 8080, 6443, 65535, 65536, 1<<31-1, 1<<31, 1<<63-1, -1<<63)
	case schema.Type == "boolean":
		return r.IntN(2) == 0
	case schema.Type == "array":
		list := []any{}
		for range r.IntN(4) {
			list = append(list, value(r, *schema.Items.Schema, name))
		}
		return list
	case schema.Type == "object" && schema.AdditionalProperties != nil:
		object := map[string]any{}
		for range r.IntN(3) {
			object[text(r, "key")] = value(r, *schema.AdditionalProperties.Schema, name)
		}
		return object
	case schema.Type == "object":
		object := map[string]any{}
		for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
			required := slices.Contains(schema.Required, field)
			if required && r.IntN(20) > 0 || r.IntN(len(schema.Properties)+1) < 2 {
				object[field] = value(r, schema.Properties[field], field)
			}
		}
		return object
	default:
		return text(r, name)
	}
}

// good are values that are right for a field.
var good = map[string][]string{
	"customImage":     {"kindest/node:v1.35.0", "localhost:5000/a/b:1", "kindest/node@sha256:" + strings.Repeat("0", 64)},
	"preLoadImages":   {"example.com/a:1", "a", "registry.k8s.io/pause:3.10"},
	"imageRepository": {"kindest", "registry.example.com:5000/a/b"},
	"imageTag":        {"v1", "v20230606-42a2262b"},
	"hostPath":        {"/srv", "/srv/a b", "/srv/../srv", "/a,b", "/ä"},
	"containerPath":   {"/data", "/data/", "/mnt/a b", "/opt/x/../y", "/var/lib/x", "/usr/local/lib/x", "/ä", "/ro"},
	"listenAddress":   {"127.0.0.1", "::1", "0.0.0.0", "::", "192.0.2.1"},
	"hostIP":          {"127.0.0.1", "::1", "0.0.0.0", "192.0.2.1"},
	"host":            {"192.0.2.1", "2001:db8::1", "api.example.com"},
	"host-endpoint":   {"127.0.0.1:20000", "[::1]:6443"},
	"protocol":        {"TCP", "UDP", "SCTP"},
	"providerID":      {"docker:////a", "docker:////web-1.a_b"},
	"cpus":            {"1", "1500m", "10m", "8192", "0.01", "1e0"},
	"memory":          {"6Mi", "4Gi", "1e9", "100M", "9223372036854775807", "10Ei"},
	"registry":        {"docker.io", "registry.example.com:5000"},
	"mirror":          {"mirror.example.com", "localhost/hub", "localhost:5001"},
	"labels":          {"a", "", "two\nlines"},
	"key":             {"example.com/team", "a", "ä"},
	"name":            {"a", "fd1", "haproxy"},
	// Durations.
	"bootstrapTimeout": {"10m", "1s", "2562047h"},
}

// bad are values that most fields must not have.
var bad = []string{
	"", " ", "\x00", "a\nb", "/a\nb", "/a\x00b", "/\x7f", "\u2028", "/", "//", "/.", "/..", "/var", "/var/", "/a/../run", "/run/../dev", "./a", "~", "/a:ro", "a:b:c",
	"docker:////", "docker:////a\nserver evil", "docker:////a b", "docker:////-a", "aws:///a", "terraform-capi.io/cluster",
	"127.0.0.1%a", "fe80::1%eth0", "fe80::1%a\nb", "127.0.0.1:99999", "1.2.3", "0127.0.0.1", "::ffff:127.0.0.1", "localhost", "256.0.0.1", "[::1]",
	"-1", "0", "1n", "1e30", "-1Gi", "0.1n", "NaN", "1.5.5", "9e99", "5Mi",
	"A/B", "a/b/c:1@sha256:0", "http://a/b", "kindest/node:", "a@sha256:" + strings.Repeat("g", 64), "a=b", "$(id)", "`id`", "{{.}}", "'\"", "\\", "tcp", "ICMP",
	"/usr/local/lib/terraform-capi/images", "/usr/local/lib/terraform-capi", "/kind/", "/proc/1", "/sys/fs",
	strings.Repeat("a", 300), "/" + strings.Repeat("a", 300), "/" + strings.Repeat("a/", 3000), strings.Repeat("ä", 70),
}

func text(r *rand.Rand, name string) string {
	if values := good[name]; len(values) > 0 && r.IntN(5) > 0 {
		return pick(r, values...)
	}
	return pick(r, bad...)
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }
