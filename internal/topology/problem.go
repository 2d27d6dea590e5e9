// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Problem is one thing that is wrong about an object.
type Problem struct {
	// Field is the path in the API object, as Kubernetes writes it. It is empty
	// if no field is to blame.
	Field string
	// Class says that Field is one of the ClusterClass, where a Cluster is looked
	// at.
	Class bool
	// Unknown says that nothing is known to be wrong: the code that would find out
	// panicked, or is a provider's that is not bundled.
	Unknown bool
	// Message says what is wrong and what is allowed.
	Message string
}

// Known returns the problems that there are for certain.
func Known(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Unknown })
}

// Unknown returns the problems that say what is not known.
func Unknown(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return !p.Unknown })
}

// Problems takes an error of the API server or of admission code apart.
func Problems(err error) []Problem {
	if err == nil {
		return nil
	}
	var panicked *PanicError
	if errors.As(err, &panicked) {
		return []Problem{{Unknown: true, Message: panicked.Error()}}
	}
	var fieldError *field.Error
	if errors.As(err, &fieldError) {
		return fieldProblems(field.ErrorList{fieldError})
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return []Problem{{Message: err.Error()}}
	}
	var problems []Problem
	for _, cause := range status.Status().Details.Causes {
		// The API server adds a remark that it stopped looking, of no field.
		if cause.Field == "<nil>" {
			continue
		}
		problems = append(problems, Problem{Field: cause.Field, Message: cause.Message})
	}
	if len(problems) == 0 {
		return []Problem{{Message: err.Error()}}
	}
	return problems
}

// IsRefusal says whether the API server finds fault with fields of the object
// itself: its schema does, or an admission webhook.
func IsRefusal(err error) bool {
	problems := Problems(err)
	return len(problems) > 0 && problems[0].Field != "" && !apierrors.IsConflict(err)
}

// unlikeSchema is how API servers complain about fields that a kind does not have,
// or that have another type. They have no reason of its own for that.
const unlikeSchema = "failed to create typed patch object"

// IsFaulty says whether the fault is in the object, and not in the connection or
// in a management cluster that does not know the kind yet.
func IsFaulty(err error) bool {
	return IsRefusal(err) || err != nil && strings.Contains(err.Error(), unlikeSchema)
}

// fieldProblems leaves out repetitions: admission code finds fault with the same
// variable when it defaults and when it validates it.
func fieldProblems(errs field.ErrorList) []Problem {
	var problems []Problem
	for _, err := range errs {
		problem := Problem{Field: err.Field, Message: err.ErrorBody()}
		if !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	return problems
}
