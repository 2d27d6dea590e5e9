// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const usage = `Lists the containers of clusters whose management cluster does not exist any more.

Usage: terraform-provider-capi orphans [flags]

`

// Command is the command line for people: it lists orphans, and removes them if the arguments say so. Connect returns the
// engine that has them.
func Command(ctx context.Context, connect func(context.Context) (container.Runtime, error), args []string, out io.Writer) error {
	var (
		remove        bool
		managementUID string
		flags         = pflag.NewFlagSet("orphans", pflag.ContinueOnError)
	)
	flags.BoolVar(&remove, "remove", false, "Remove them with their volumes, and the Docker network of the clusters if nothing is on it any more.")
	flags.StringVar(&managementUID, "management-cluster-uid", "", "Only those of the management cluster with this `UID`.")
	flags.Usage = func() { _, _ = fmt.Fprint(out, usage, flags.FlagUsages()) }
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("orphans takes flags only, not %q: see orphans --help", flags.Arg(0))
	}

	runtime, err := connect(ctx)
	if err != nil {
		return err
	}
	findings, err := Find(ctx, runtime)
	if err != nil {
		return err
	}
	if managementUID != "" {
		findings.Orphans = slices.DeleteFunc(findings.Orphans, func(o Orphan) bool { return o.Management.UID != types.UID(managementUID) })
	}
	if err := printFindings(out, findings); err != nil || !remove {
		return err
	}
	removed, err := Remove(ctx, runtime, findings.Orphans)
	for _, what := range removed {
		if _, err := fmt.Fprintf(out, "Removed %s.\n", what); err != nil {
			return err
		}
	}
	return err
}

func printFindings(out io.Writer, findings Findings) error {
	if len(findings.Orphans) == 0 {
		if _, err := fmt.Fprintln(out, "There are no orphans."); err != nil {
			return err
		}
	} else if err := printTable(out, findings.Orphans); err != nil {
		return err
	}
	if len(findings.Silent) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nThere may be more. These control planes do not answer, and may be management clusters, or belong to one:\n\n  %s\n\n"+
		"Start them (docker start), or remove those that nobody needs (docker rm -f -v), and look again.\n", strings.Join(findings.Silent, "\n  "))
	return err
}

func printTable(out io.Writer, orphans []Orphan) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "MANAGEMENT NODE\tMANAGEMENT CLUSTER UID\tCLUSTER\tCONTAINER\tSTATE\tAGE")
	for _, o := range orphans {
		for _, c := range o.Containers {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s/%s\t%s\t%s\t%s\n", o.Management.Node, o.Management.UID, o.Namespace, o.Name,
				c.Name, c.State, duration.HumanDuration(time.Since(c.Created)))
		}
	}
	return table.Flush()
}
