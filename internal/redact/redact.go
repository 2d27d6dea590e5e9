// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package redact takes credentials out of texts for people: messages of conditions, errors and logs.
//
// Text finds credentials by where they stand, such as behind an option --password. Contents finds those that are
// known, wherever they stand: lines and values of files and Secrets.
package redact

import (
	"regexp"
	"strings"
)

// mark stands where something was taken out.
const mark = "<redacted>"

const (
	// credential ends the names of options, variables and fields that hold one. What it does not end holds something about
	// one: --password-stdin, --token-ttl, tokenFile.
	credential = `[\w.-]*(?:password|passwd|passphrase|passcode|[-_]pass|[-_]pwd|secret|token|credentials?|` +
		`(?:api|access|secret|private|certificate|auth|encryption)[-_]?key|client[-_]?key[-_]?data)`
	// value is a word as shells and YAML have it, in quotes or without.
	value = `("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"'` + "`" + `|;&,)}\]]+)`
)

// rules find credentials by where they stand. The group is the credential.
var rules = []*regexp.Regexp{
	// Private keys; of one whose end is missing, what there is of it.
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----((?s:.*?))(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`),
	// User and password of a URL, or only a token.
	regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#"'<>]+)@`),
	// User and password before a host. In a reference to an image, a digest is behind the @.
	regexp.MustCompile(`(?:^|[\s"'=(])([\w.+%-]+:[^\s@/"'<>:]+)@(?:[A-RT-Za-rt-z0-9]|[Ss](?:[^Hh]|[Hh](?:[^Aa]|[Aa][^0-9])))`),
	// curl -u USER:PASSWORD. Numbers are ids of a user and a group.
	regexp.MustCompile(`(?:^|\s)(?:-u|-U|--user|--proxy-user)[ =]["']?[\w.@+\\-]*[A-Za-z_][\w.@+\\-]*:([^\s"'` + "`" + `|;&]+)`),
	// Programs that take a password behind -p, which for others is something else.
	regexp.MustCompile(`\b(?:sshpass|login|mysql\w*|useradd|usermod)\b[^|;&\n]*?\s-p[ =]?` + value),
	// echo USER:PASSWORD | chpasswd
	regexp.MustCompile(`\b(?:echo|printf)\s+(?:-\w+\s+)?["']?[\w.-]+:([^\s"'|]+)["']?\s*\|\s*(?:sudo\s+)?chpasswd`),
	// --token VALUE, --token=VALUE
	regexp.MustCompile(`(?i)(?:^|[\s"'(\[])--?` + credential + `(?:=|["']?,?\s+)` + value),
	// NAME_PASSWORD=VALUE
	regexp.MustCompile(`(?i)(?:^|[^\w$.-])` + credential + `=` + value),
	// A field of YAML or JSON, or a header, alone on its line or in quotes.
	regexp.MustCompile(`(?im)(?:^[\s-]*|[{,"']\s*)["']?` + credential + `["']?\s*:\s+` + value + `["']?\s*(?:[,}\]"']|$)`),
	regexp.MustCompile(`(?i)"` + credential + `"\s*:\s*"((?:[^"\\\n]|\\.)*)"`),
	// - name: NAME-password
	//   value: VALUE
	regexp.MustCompile(`(?i)\bname:\s*["']?` + credential + `["']?\s*\n\s*value:\s*` + value),
	regexp.MustCompile(`(?i)\bauthorization["']?\s*[:=]\s*(?:(?:bearer|basic|token)\s+)?["']?([^\s"'` + "`" + `|;&]{4,})`),
	// What kubeadm says when it has made one.
	regexp.MustCompile(`(?i)\bcertificate key:\s*([a-f0-9]{64})\b`),
	// What has the form of a credential: hashes of passwords, JSON web tokens, bootstrap tokens.
	regexp.MustCompile(`(\$(?:2[abxy]|[1567]|y|gy)\$[\w./$=,+-]{8,})`),
	regexp.MustCompile(`\b(eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)`),
	regexp.MustCompile(`\b([a-z0-9]{6}\.[a-z0-9]{16})\b`),
}

// Text takes out of a text what stands where credentials do.
func Text(text string) string {
	for _, rule := range rules {
		text = replaceGroup(rule, text)
	}
	return text
}

// replaceGroup puts the mark in the place of what a rule finds.
func replaceGroup(rule *regexp.Regexp, text string) string {
	var redacted strings.Builder
	end := 0
	for _, match := range rule.FindAllStringSubmatchIndex(text, -1) {
		from, to := unquote(text, match[2], match[3])
		if !isCredential(text[from:to]) {
			continue
		}
		redacted.WriteString(text[end:from] + mark)
		end = to
	}
	return redacted.String() + text[end:]
}

// unquote leaves out the quotes around a part of a text.
func unquote(text string, from, to int) (int, int) {
	if to-from >= 2 && strings.ContainsRune(`"'`, rune(text[from])) && text[to-1] == text[from] {
		return from + 1, to - 1
	}
	return from, to
}

// isCredential tells a credential from what stands for one: a variable of a shell, a command, or nothing.
func isCredential(value string) bool {
	return value != "" && !strings.HasPrefix(value, "$(") && !shellVariable.MatchString(value) && !strings.Contains(value, mark)
}

var shellVariable = regexp.MustCompile(`^(?:\$\{?\w+\}?:?)+$`)

// credentialsIn are the values that Text would take out.
func credentialsIn(text string) []string {
	var found []string
	for _, rule := range rules {
		for _, match := range rule.FindAllStringSubmatchIndex(text, -1) {
			from, to := unquote(text, match[2], match[3])
			if isCredential(text[from:to]) {
				found = append(found, text[from:to])
			}
		}
	}
	return found
}

// Error takes out of an error what Text takes out of its text. It still is the error that it was.
func Error(err error) error { return withText(err, Text) }

// withText is an error with another text.
func withText(err error, redact func(string) string) error {
	if err == nil {
		return nil
	}
	text := redact(err.Error())
	if text == err.Error() {
		return err
	}
	return &redactedError{text: text, err: err}
}

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.err }
