// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// maxFileSize bounds what a compressed file may grow to. Secrets end at 1 MiB, so this is generous.
const maxFileSize = 64 << 20

// File is a file to write.
type File struct {
	// Path is absolute.
	Path string
	// Owner is "user:group" or "user", by name or number.
	Owner string
	// Mode are the permission bits.
	Mode uint32
	// Append adds to the file instead of replacing it.
	Append bool
	// Content is decoded.
	Content []byte
}

type writeFile struct {
	Path        string `yaml:"path"`
	Encoding    string `yaml:"encoding"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
	Append      bool   `yaml:"append"`
}

// ownerPattern allows names and numbers of users and groups, nothing that a shell would see.
var ownerPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)

func (f writeFile) decode() (File, error) {
	file := File{Path: strings.TrimSpace(f.Path), Owner: strings.TrimSpace(f.Owner), Append: f.Append}
	if !path.IsAbs(file.Path) || path.Clean(file.Path) != file.Path || strings.ContainsAny(file.Path, "\t\n\x00") {
		return File{}, fmt.Errorf("path %q is not a clean absolute path", file.Path)
	}
	if file.Owner == "" {
		file.Owner = "root:root"
	}
	if !ownerPattern.MatchString(file.Owner) {
		return File{}, fmt.Errorf("owner %q is not \"user:group\"", file.Owner)
	}
	mode, err := parseMode(f.Permissions)
	if err != nil {
		return File{}, err
	}
	file.Mode = mode
	file.Content, err = decodeContent(f.Content, f.Encoding)
	if err != nil {
		return File{}, err
	}
	return file, nil
}

func parseMode(permissions string) (uint32, error) {
	permissions = strings.TrimSpace(permissions)
	if permissions == "" {
		return 0o644, nil
	}
	mode, err := strconv.ParseUint(strings.TrimPrefix(permissions, "0o"), 8, 32)
	if err != nil || mode > 0o7777 {
		return 0, fmt.Errorf("permissions %q are not an octal mode such as \"0644\"", permissions)
	}
	return uint32(mode), nil
}

// decodeContent undoes an encoding under any of the names that cloud-init has for it.
func decodeContent(content, encoding string) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "text/plain":
		return []byte(content), nil
	case "b64", "base64":
		return decodeBase64(content)
	case "gz", "gzip":
		return gunzip([]byte(content))
	case "gz+b64", "gz+base64", "gzip+b64", "gzip+base64":
		compressed, err := decodeBase64(content)
		if err != nil {
			return nil, err
		}
		return gunzip(compressed)
	default:
		return nil, fmt.Errorf("encoding %q is unknown", encoding)
	}
}

func decodeBase64(content string) ([]byte, error) {
	// Long base64 is usually wrapped, and a block scalar ends in a newline.
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
	if err != nil {
		return nil, errors.New("the content is not base64")
	}
	return decoded, nil
}

func gunzip(compressed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("the content is not gzip: %w", err)
	}
	// What follows the compressed data, such as the newline of a block scalar, is not part of it.
	reader.Multistream(false)
	content, err := io.ReadAll(io.LimitReader(reader, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("the content is not gzip: %w", err)
	}
	if len(content) > maxFileSize {
		return nil, fmt.Errorf("the content is larger than %d bytes", maxFileSize)
	}
	return content, nil
}
