// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// A template is a tenant's. Whatever it is, it ends, and the manager's memory stays what it was.
func TestHostileTemplates(t *testing.T) {
	megabyte := `{{$a := "0123456789abcdef"}}` + strings.Repeat(`{{$a = print $a $a}}`, 16)
	for name, test := range map[string]struct{ template, want string }{
		"width":                    {`{{range 200}}{{printf "%999999d" 1}}{{end}}`, "two digits"},
		"width as argument":        {`{{printf "%*d" 200000000 1}}`, "two digits"},
		"repeated argument":        {`{{printf "%[1]s%[1]s%[1]s" "a"}}`, "two digits"},
		"precision":                {`{{printf "%.999999f" 1.0}}`, "two digits"},
		"broken verb":              {`{{printf "%"}}`, "two digits"},
		"loop that prints":         {`{{range 9999}}{{printf "%99d%99d" 1 1}}{{end}}`, "1048576 bytes"},
		"loop that does nothing":   {`{{range $i := 1000000000}}{{end}}`, "10000 steps"},
		"loops in loops":           {`{{range 9999}}{{range 9999}}{{range 9999}}{{end}}{{end}}{{end}}`, "10000 steps"},
		"loop in branches":         {`{{if true}}{{with 1}}{{range 1000000000}}{{end}}{{end}}{{end}}`, "10000 steps"},
		"loop in other branches":   {`{{if false}}{{else}}{{with 0}}{{else}}{{range 0}}{{else}}{{range 1000000000}}{{end}}{{end}}{{end}}{{end}}`, "10000 steps"},
		"long loop with continue":  {`{{range 1000000000}}{{continue}}{{end}}`, "10000 steps"},
		"recursion":                {`{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, "10000 steps"},
		"recursion that fans out":  {`{{define "x"}}{{template "x"}}{{template "x"}}{{end}}{{block "x" .}}{{end}}`, "10000 steps"},
		"loop in a template":       {`{{define "x"}}{{range 1000000000}}{{end}}{{end}}{{template "x"}}`, "10000 steps"},
		"doubling":                 {megabyte + `{{$a = print $a $a}}`, "1048576 bytes"},
		"many arguments":           {megabyte + `{{print ` + strings.Repeat("$a ", 1000) + `}}`, "1048576 bytes"},
		"many arguments of printf": {megabyte + `{{printf "` + strings.Repeat("%s", 1000) + `" ` + strings.Repeat("$a ", 1000) + `}}`, "1048576 bytes"},
		"doubling with hosts":      {megabyte + `{{$a = JoinHostPort $a $a}}`, "1048576 bytes"},
		"escaping":                 {strings.ReplaceAll(megabyte, "0123456789abcdef", "''''''''''''''''") + `{{html $a}}`, "1048576 bytes"},
		"long":                     {strings.Repeat("x", 64<<10+1), "65537 bytes; it may have 65536"},
		"nested parentheses":       {`{{` + strings.Repeat("(", 32000) + "1" + strings.Repeat(")", 32000) + `}}`, ""},
		"nested branches":          {strings.Repeat(`{{if 1}}`, 4000) + strings.Repeat(`{{end}}`, 4000), ""},
		"step of the template":     {`{{step}}{{range 1000000000}}{{end}}`, "10000 steps"},
		"printing the data":        {`{{range 9999}}{{print $}}{{print $}}{{print $}}{{end}}`, "1048576 bytes"},
		"call of no function":      {`{{call .IPv6}}`, "cannot be rendered"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			config, err := Config{Port: 6443, Servers: []string{"a", "b"}, Template: test.template}.render()
			runtime.ReadMemStats(&after)
			if test.want != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.want)))
			}
			g.Expect(len(config)).To(BeNumerically("<=", maxConfig))
			g.Expect(after.TotalAlloc-before.TotalAlloc).To(BeNumerically("<", 128<<20), "bytes that were allocated in all")
		})
	}
}

// What templates of HAProxy's configuration use stays as it is in Go.
func TestTemplateFunctions(t *testing.T) {
	for template, want := range map[string]string{
		`{{printf "%-5s|%03d|%.2f|%q|%v%%" "a" 7 1.5 "b" true}}`:                                      `a    |007|1.50|"b"|true%`,
		`{{print 1 2 "a"}}{{println "b"}}`:                                                            "1 2ab\n",
		`{{html "<"}}{{js "'"}}{{urlquery "a b"}}`:                                                    `&lt;\'a+b`,
		`{{define "x"}}{{end}}`:                                                                       "",
		`{{JoinHostPort "::1" "6443"}}`:                                                               "[::1]:6443",
		`{{range $i, $_ := .BackendServers}}{{$i}}{{else}}none{{end}}`:                                "ab",
		`{{define "s"}}server {{.}};{{end}}{{range .BackendServers}}{{template "s" .Address}}{{end}}`: "server a;server b;",
		`{{range 3}}{{.}}{{end}}{{if and .BackendServers (not .IPv6)}}4{{end}}{{len "abc"}}`:          "01243",
	} {
		g := NewWithT(t)
		config, err := Config{Port: 6443, Servers: []string{"a", "b"}, Template: template}.render()
		g.Expect(err).NotTo(HaveOccurred(), template)
		g.Expect(string(config)).To(Equal(want), template)
	}
}
