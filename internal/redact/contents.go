// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// minWord is the length of the shortest line or word of a content that is taken for a secret, minSingle that of a content
	// of one line, and minCredential that of what stands where credentials do. Shorter ones are in every message by chance.
	minWord, minSingle, minCredential = 8, 6, 4
	// maxPlain is the length of the longest line of plain words that may be a setting, such as the name of a module.
	maxPlain = 16
)

// Contents are secrets that are known. The zero value has none.
type Contents struct {
	secrets map[string]bool
	public  []string
}

// Add adds the content of a file or a Secret: its lines, and the words in them that are no addresses, paths or plain
// words. Messages are full of those, and without them they would say nothing.
func (c *Contents) Add(content string) {
	lines := strings.FieldsFunc(content, func(r rune) bool { return r == '\n' || r == '\r' })
	shortest := minWord
	if len(lines) == 1 {
		shortest = minSingle
	}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if utf8.RuneCountInString(line) >= shortest && !isSetting(line) {
			c.insert(line)
		}
		for _, word := range strings.FieldsFunc(line, isSeparator) {
			word = strings.Trim(word, ".:*&!@#")
			if utf8.RuneCountInString(word) >= minWord && !plain.MatchString(word) && !address.MatchString(word) {
				c.insert(word)
			}
		}
	}
	c.AddCredentials(content)
}

// AddCredentials adds what stands where credentials do, as in the options of a command.
func (c *Contents) AddCredentials(text string) {
	for _, value := range credentialsIn(text) {
		c.AddValue(value)
		// Of "user:password" the password may be shown alone.
		if _, password, found := strings.Cut(value, ":"); found && !strings.Contains(value, "\n") {
			c.AddValue(password)
		}
	}
}

// AddValue adds a value that is secret as a whole, such as a password.
func (c *Contents) AddValue(value string) {
	// A password without quotes may be an alias, an anchor or a tag of YAML, whose errors name it without the sign.
	value = strings.TrimLeft(strings.TrimSpace(value), "*&!")
	if utf8.RuneCountInString(value) >= minCredential && !isWordOfMessages(value) {
		c.insert(value)
	}
}

// Except says what is no secret although a content may have it, such as the name of the node.
func (c *Contents) Except(public ...string) { c.public = append(c.public, public...) }

func (c *Contents) insert(secret string) {
	if c.secrets == nil {
		c.secrets = map[string]bool{}
	}
	c.secrets[secret] = true
}

// Text takes out of a text the secrets, and what Text takes out.
func (c *Contents) Text(text string) string {
	var secrets []string
	for secret := range c.secrets {
		if !slices.Contains(c.public, secret) && strings.Contains(text, secret) {
			secrets = append(secrets, secret)
		}
	}
	// A line goes before the words in it.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, mark)
	}
	return Text(strings.NewReplacer(pairs...).Replace(text))
}

// Error takes out of an error what Text takes out of its text. It still is the error that it was.
func (c *Contents) Error(err error) error { return withText(err, c.Text) }

func isSeparator(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\"'`,;=(){}[]<>|", r)
}

var (
	// plain are words without digits, as in prose, names of modules and keys of settings.
	plain = regexp.MustCompile(`^[A-Za-z]+(?:[-_./: ]+[A-Za-z]+)*[.:]?$`)
	// address are paths, host names, IP addresses and networks, with ports, and references to images and API versions.
	address = regexp.MustCompile(`^(?:[a-z]+:/)?/[\w./@:+-]*$|` +
		`^(?:[a-z]+://)?[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/[\w./@:+-]*)?$|` +
		`^[a-z][a-z0-9.-]*/[\w./:@+-]*$|^[0-9a-f:]*:[0-9a-f:]+(?:/\d+)?$`)
)

// isSetting says that a line is a plain word or two, and no passphrase.
func isSetting(line string) bool {
	return plain.MatchString(line) && (utf8.RuneCountInString(line) < maxPlain || strings.ContainsAny(line, "./")) || address.MatchString(line)
}

// isWordOfMessages says that a value is one that many messages have.
func isWordOfMessages(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "null", "none", "root", "admin", "user", "name", "token", "password", "secret":
		return true
	}
	return false
}
