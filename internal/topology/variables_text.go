// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"regexp/syntax"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// formatted are values of the formats that Kubernetes validates
// (apiextensions-apiserver, pkg/apiserver/validation/formats.go of v0.36).
var formatted = map[string]string{
	"bsonobjectid": "507f1f77bcf86cd799439011", "byte": "ZXhhbXBsZQ==", "cidr": "10.0.0.0/16", "creditcard": "4111111111111111",
	"date": "2030-01-31", "date-time": "2030-01-31T10:00:00Z", "datetime": "2030-01-31T10:00:00Z", "duration": "1h",
	"email": "user@example.com", "hexcolor": "#ffffff", "hostname": "host.example.com", "ipv4": "10.0.0.1", "ipv6": "fd00::1",
	"isbn": "0321751043", "isbn10": "0321751043", "isbn13": "978-0321751041", "k8s-long-name": "name.example.com",
	"k8s-short-name": "name", "mac": "02:00:00:00:00:01", "rgbcolor": "rgb(255,255,255)", "ssn": "111-11-1111",
	"uri": "https://example.com", "uuid": "7c1b3f52-0f1c-4c0e-9d63-3b7a4d8b8f10", "uuid3": "bcd02e22-68f0-3046-a512-327cca9def8f",
	"uuid4": "7c1b3f52-0f1c-4c0e-9d63-3b7a4d8b8f10", "uuid5": "9b3286b1-32cf-5e1d-8e1f-0f7a1c2b3d4e",
}

// longestExample bounds the search for a text of the right length.
const longestExample = 256

// texts begin with the name in angle brackets, which nobody takes for a real value.
func texts(name string, schema *clusterv1.JSONSchemaProps) []any {
	least := int(min(ptr.Deref(schema.MinLength, 0), longestExample))
	candidates := []string{"<" + name + ">", formatted[schema.Format]}
	candidates = append(candidates, matching(schema.Pattern, least)...)
	// Rules may ask for more than minLength.
	for _, length := range []int{least, 8, 16, 64} {
		candidates = append(candidates, name+strings.Repeat("x", max(0, length-len(name))))
	}
	if most := int(ptr.Deref(schema.MaxLength, longestExample)); most < len(name) {
		candidates = append(candidates, name[:most])
	}
	// An empty text is allowed more often than it is meant.
	candidates = slices.DeleteFunc(candidates, func(text string) bool { return text == "" })
	var values []any
	for _, text := range append(slices.Compact(candidates), "") {
		values = append(values, text)
	}
	return values
}

// matching returns texts that the pattern matches, the shortest first, with the branches
// of alternatives tried in turn.
func matching(pattern string, least int) []string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || pattern == "" {
		return nil
	}
	var found []string
	for repeats := range least + 8 {
		for branch := range 3 {
			var text strings.Builder
			writeMatch(&text, parsed, repeats, branch)
			found = append(found, text.String())
		}
	}
	return found
}

func writeMatch(text *strings.Builder, expression *syntax.Regexp, repeats, branch int) {
	subs, times := expression.Sub, 1
	switch expression.Op {
	case syntax.OpLiteral:
		text.WriteString(string(expression.Rune))
	case syntax.OpCharClass:
		text.WriteRune(plainest(expression.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		text.WriteByte('x')
	case syntax.OpAlternate:
		subs = subs[branch%len(subs):][:1]
	case syntax.OpStar:
		times = repeats
	case syntax.OpPlus:
		times = max(1, repeats)
	case syntax.OpQuest:
		times = min(1, repeats)
	case syntax.OpRepeat:
		times = max(expression.Min, repeats)
		if expression.Max >= 0 {
			times = min(times, expression.Max)
		}
	}
	for range times {
		for _, sub := range subs {
			if text.Len() <= longestExample {
				writeMatch(text, sub, repeats, branch)
			}
		}
	}
}

// plainest is the character of a class that a person would choose. The class is pairs
// of the first and the last character of ranges.
func plainest(class []rune) rune {
	for _, wanted := range "a1A" {
		for i := 0; i+1 < len(class); i += 2 {
			if class[i] <= wanted && wanted <= class[i+1] {
				return wanted
			}
		}
	}
	if len(class) == 0 {
		return 'x'
	}
	return class[0]
}
