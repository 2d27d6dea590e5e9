// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// As Terraform 1.11 prints them.
const events = `{"@level":"info","@message":"Terraform 1.11.4","type":"version"}
not JSON
{"@level":"info","type":"apply_start","hook":{"resource":{"addr":"capi_cluster.quickstart"},"action":"create"}}
{"@level":"info","type":"apply_complete","hook":{"resource":{"addr":"capi_cluster.quickstart"},"action":"create","elapsed_seconds":45}}
{"@level":"warn","type":"diagnostic","diagnostic":{"severity":"warning","summary":"Slow","detail":"It takes long."}}
{"@level":"error","type":"diagnostic","diagnostic":{"severity":"error","summary":"Broken","detail":"It is."}}
{"@level":"info","type":"apply_complete","hook":{"resource":{"addr":"capi_cluster.quickstart"},"action":"delete","elapsed_seconds":9}}
`

// The points that the summary is made of are found in what Terraform prints.
func TestReadEvents(t *testing.T) {
	g := NewWithT(t)
	var marks []string
	problems := readEvents(bufio.NewScanner(strings.NewReader(events)), func(name string) { marks = append(marks, name) })
	g.Expect(marks).To(Equal([]string{pointCreated, pointDeleted}))
	g.Expect(problems).To(Equal([]string{"Broken: It is."}))
}

// A diagnostic of a large plan has a line of hundreds of kilobytes.
func TestReadEventsOfLongLines(t *testing.T) {
	line := `{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Long","detail":"` + strings.Repeat("x", 500<<10) + "\"}}\n"
	NewWithT(t).Expect(readEvents(bufio.NewScanner(strings.NewReader(line)), nil)).To(HaveLen(1))
}

// The image has been loaded when the first provider is installed, by the clock of the provider's log.
func TestImageLoad(t *testing.T) {
	start := time.Date(2026, 11, 27, 19, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		log  string
		want []float64
	}{
		"loaded": {
			log: `2026-11-27T19:00:20.000Z [INFO]  provider: configuring client automatic mTLS
2026-11-27T19:00:31.000Z [INFO]  provider.terraform-provider-capi_v0.1.0: loading the controllers image: image=x
2026-11-27T19:00:42.500Z [INFO]  provider.terraform-provider-capi_v0.1.0: installing provider cluster-api: tf_resource_type=capi_provider
2026-11-27T19:00:43.000Z [INFO]  provider.terraform-provider-capi_v0.1.0: installing provider bootstrap-kubeadm
`,
			want: []float64{42.5},
		},
		"elsewhere": {
			log:  "2026-11-27T20:00:42.500+0100 [INFO]  provider.terraform-provider-capi_v0.1.0: installing provider cluster-api\n",
			want: []float64{42.5},
		},
		"never": {log: "2026-11-27T19:00:31.000Z [INFO]  provider.terraform-provider-capi_v0.1.0: loading the controllers image\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := &workspace{directory: t.TempDir()}
			g.Expect(os.WriteFile(w.log(), []byte(test.log), 0o600)).To(Succeed())
			var seconds []float64
			for _, point := range w.imageLoad(start) {
				seconds = append(seconds, point.Seconds)
			}
			g.Expect(seconds).To(Equal(test.want))
		})
	}
}
