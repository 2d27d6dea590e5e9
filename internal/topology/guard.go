// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"runtime"
	"strings"
)

// PanicError says that code of Cluster API or Kubernetes panicked. Plans run it on
// whatever configurations and management clusters hold, for which it was not
// written: controllers recover from panics and try again.
type PanicError struct {
	// Code is the code that was run.
	Code string
	// Value is what it panicked with.
	Value any
	// Function is where it panicked; empty if that is not known.
	Function string
}

// Error says what panicked, where, and what to do about it.
func (e *PanicError) Error() string {
	where := ""
	if e.Function != "" {
		where = " in " + e.Function
	}
	return fmt.Sprintf("%s panicked%s: %v. This is a bug: report it to the developers of the provider, with the configuration that causes it",
		e.Code, where, e.Value)
}

// Guard makes an error of a panic. It is to be deferred by functions that run code
// of Cluster API or Kubernetes, and says which code they run.
func Guard(code string, err *error) {
	if value := recover(); value != nil {
		*err = panicError(code, value)
	}
}

// guardProblems makes an unknown problem of a panic, as Guard makes an error.
func guardProblems(code string, problems *[]Problem) {
	if value := recover(); value != nil {
		*problems = append(*problems, Problems(panicError(code, value))...)
	}
}

func panicError(code string, value any) *PanicError {
	return &PanicError{Code: code, Value: value, Function: panickedFunction()}
}

// panickedFunction is called while a panic is recovered from: the stack still has
// the function that panicked, below those of the runtime that raised the panic.
func panickedFunction() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	for raised := false; ; {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			raised = true
		case raised && !strings.HasPrefix(frame.Function, "runtime."):
			return frame.Function
		}
		if !more {
			return ""
		}
	}
}
