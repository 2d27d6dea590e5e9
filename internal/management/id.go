// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"errors"
	"fmt"
	"strings"
)

// These errors say why a management cluster cannot be used. Test for them with
// errors.Is; the errors that wrap them say which cluster, why and what to do.
var (
	// ErrNotConfigured means that no id was given and that the provider block
	// describes no connection, or one that is not known yet.
	ErrNotConfigured = errors.New("no management cluster is configured")
	// ErrNotKnownYet is an ErrNotConfigured that goes away when the plan is
	// applied: the provider block's connection comes from a resource.
	ErrNotKnownYet = errors.New("the connection is not known until apply")
	// ErrNotFound means that the management cluster does not exist.
	ErrNotFound = errors.New("the management cluster does not exist")
	// ErrGone means that the management cluster that is asked for is proven not to
	// exist any more, and so nothing that lived in it.
	ErrGone = errors.New("the management cluster no longer exists")
	// ErrAnother means that another management cluster answers than the one that
	// is asked for.
	ErrAnother = errors.New("another management cluster answers")
	// ErrUnknown means that it cannot be told whether something exists.
	ErrUnknown = errors.New("it cannot be told")
	// ErrRejected means that the management cluster's API does not accept the
	// credentials, or that its certificate cannot be trusted.
	ErrRejected = errors.New("the connection is rejected")
	// ErrUnreachable means that the management cluster's API does not answer,
	// although the cluster exists as far as is known.
	ErrUnreachable = errors.New("the management cluster is unreachable")
)

// reasonError adds an explanation to one of the errors above without making
// the text read "A: B: C".
type reasonError struct {
	reason  error
	message string
	cause   error
}

func (e *reasonError) Error() string {
	if e.cause == nil {
		return e.message
	}
	return e.message + ": " + e.cause.Error()
}

func (e *reasonError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.reason}
	}
	return []error{e.reason, e.cause}
}

const kindScheme = "kind://"

// KindID is the management cluster id of the KinD cluster called name.
func KindID(name string) string { return kindScheme + name }

// ParseKindID returns the name of the KinD cluster that id stands for, and
// whether id stands for a KinD cluster at all.
func ParseKindID(id string) (name string, ok bool) {
	name, ok = strings.CutPrefix(id, kindScheme)
	return name, ok && name != "" && !strings.Contains(name, "/")
}

// ValidateID returns an error that says what an id looks like when id is not
// one. The empty id is valid: it stands for the provider block's connection.
func ValidateID(id string) error {
	if _, ok := ParseKindID(id); ok || id == "" {
		return nil
	}
	return fmt.Errorf("management cluster id %q is not of the form %sNAME", id, kindScheme)
}

// SplitID takes a resource id of the form [MANAGEMENT_CLUSTER_ID/]REST apart.
// The management cluster id is empty when the resource id does not start with
// one.
func SplitID(id string) (managementCluster, rest string) {
	after, ok := strings.CutPrefix(id, kindScheme)
	if !ok {
		return "", id
	}
	name, rest, _ := strings.Cut(after, "/")
	return KindID(name), rest
}

// JoinID is the reverse of SplitID.
func JoinID(managementCluster, rest string) string {
	if managementCluster == "" {
		return rest
	}
	return managementCluster + "/" + rest
}
