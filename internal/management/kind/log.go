// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"sigs.k8s.io/kind/pkg/log"
)

// logger passes what KinD says on to Terraform's log. Nothing may go to standard
// output, which is the plugin's connection to Terraform.
type logger struct {
	ctx context.Context
}

var _ log.Logger = logger{}

func (l logger) Warn(message string)          { tflog.Warn(l.ctx, clean(message)) }
func (l logger) Warnf(f string, args ...any)  { l.Warn(fmt.Sprintf(f, args...)) }
func (l logger) Error(message string)         { tflog.Error(l.ctx, clean(message)) }
func (l logger) Errorf(f string, args ...any) { l.Error(fmt.Sprintf(f, args...)) }

// V maps KinD's messages for users to INFO, and the rest to DEBUG.
func (l logger) V(level log.Level) log.InfoLogger {
	if level == 0 {
		return infoLogger{ctx: l.ctx, write: tflog.Info}
	}
	return infoLogger{ctx: l.ctx, write: tflog.Debug}
}

type infoLogger struct {
	ctx   context.Context
	write func(ctx context.Context, message string, fields ...map[string]any)
}

func (l infoLogger) Info(message string)         { l.write(l.ctx, clean(message)) }
func (l infoLogger) Infof(f string, args ...any) { l.Info(fmt.Sprintf(f, args...)) }
func (l infoLogger) Enabled() bool               { return true }

// clean takes the ornaments off: KinD writes for terminals.
func clean(message string) string {
	return strings.TrimFunc(message, func(r rune) bool { return r <= ' ' || r > 0x7e || r == '*' })
}
