// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package secrets_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
)

// watch runs Terraform, and notes after each command where the canaries are.
type watch struct {
	t       *testing.T
	env     *acctest.Environment
	w       *acctest.Workspace
	logs    string
	needles map[string]string
	// seen has, by canary and place, what stands around it.
	seen map[string]map[string]string
}

func newWatch(t *testing.T, env *acctest.Environment) *watch {
	t.Helper()
	w := &watch{t: t, env: env, logs: t.TempDir(), needles: map[string]string{}, seen: map[string]map[string]string{}}
	for name := range allowed {
		w.needles[name], w.seen[name] = canary(name), map[string]string{}
	}
	admin, err := clientcmd.Load([]byte(env.Kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range admin.AuthInfos {
		w.needles["kubeconfig-key"] = base64.StdEncoding.EncodeToString(user.ClientKeyData)
	}
	t.Setenv("TF_LOG", "TRACE")
	t.Setenv("TF_LOG_PATH", filepath.Join(w.logs, "terraform.log"))
	t.Setenv("TF_ACC_LOG_PATH", filepath.Join(w.logs, "provider.log"))
	w.w = acctest.NewWorkspaceFor(t, provider.NewFor("test", acctest.Engine{ID: acctest.EngineID}))
	w.w.Write("main.tf", configuration())
	return w
}

// set gives a variable a value, of which no file tells.
func (w *watch) set(variable, value string) { w.w.Setenv("TF_VAR_"+variable, value) }

// setManifest sets the write-only manifest, with a canary in it.
func (w *watch) setManifest(name string, version int) {
	w.set("manifest_wo", configMap("wo", canary(name)))
	w.set("manifest_wo_version", fmt.Sprint(version))
}

func configMap(name, text string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {text: %s}\n", name, text)
}

// ok runs a command that has to succeed.
func (w *watch) ok(args ...string) string {
	w.t.Helper()
	out := w.w.Terraform(args...)
	w.look(out)
	return out
}

// fails runs a command that has to fail, and to say so.
func (w *watch) fails(says string, args ...string) {
	w.t.Helper()
	out, code := w.w.Try(args...)
	if code == 0 || !strings.Contains(out, says) {
		w.t.Errorf("terraform %v exited with %d and does not say %q:\n%s", args, code, says, out)
	}
	w.look(out)
}

// showPlan looks into the plan that was saved.
func (w *watch) showPlan() {
	w.t.Helper()
	w.find(asJSON, w.w.Terraform("show", "-json", "saved.tfplan"))
}

// look looks for the canaries after a command.
func (w *watch) look(out string) {
	w.t.Helper()
	w.find(output, out)
	for name, content := range readAll(w.t, w.w.Directory()) {
		switch {
		case strings.HasPrefix(name, "terraform.tfstate"):
			w.find(state, content)
			w.find(private, privateOf(content))
		case name == "saved.tfplan":
			w.find(plan, unzip(w.t, content))
		case name != "main.tf":
			w.find(files, content)
		}
	}
	written := readAll(w.t, w.logs)
	for _, name := range []string{"terraform.log", "provider.log"} {
		if len(written[name]) == 0 {
			w.t.Errorf("%s is empty", name)
		}
		w.find(logs, written[name])
	}
	w.lookAtObjects()
}

// find notes the canaries in a text, also those in base64.
func (w *watch) find(place, text string) {
	for name, needle := range w.needles {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(needle))
		for _, form := range []string{needle, encoded[:len(encoded)-1]} {
			if at := strings.Index(text, form); at >= 0 && w.seen[name][place] == "" {
				w.seen[name][place] = text[max(0, at-100):min(len(text), at+len(form)+20)]
			}
		}
	}
}

// lookAtObjects looks at what the management cluster has, but for Secrets.
func (w *watch) lookAtObjects() {
	w.t.Helper()
	for _, gvk := range w.kinds() {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		if err := w.env.Cluster.List(w.t.Context(), list); err != nil {
			w.t.Fatal(err)
		}
		for _, object := range list.Items {
			reported, _ := json.Marshal(object.Object["status"])
			w.find(status, string(reported))
			delete(object.Object, "status")
			rest, _ := json.Marshal(object.Object)
			if gvk.Kind == "Event" {
				w.find(status, string(rest))
			} else {
				w.find(objects, string(rest))
			}
		}
	}
}

func (w *watch) kinds() []schema.GroupVersionKind {
	w.t.Helper()
	kinds := []schema.GroupVersionKind{corev1.SchemeGroupVersion.WithKind("ConfigMap"), corev1.SchemeGroupVersion.WithKind("Event")}
	for _, provider := range config.Providers {
		crds, err := provider.CRDs()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, crd := range crds {
			mapping, err := w.env.Cluster.RESTMapper().RESTMapping(schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind})
			if meta.IsNoMatchError(err) {
				continue
			}
			if err != nil {
				w.t.Fatal(err)
			}
			kinds = append(kinds, mapping.GroupVersionKind)
		}
	}
	return kinds
}

var privateField = regexp.MustCompile(`"private": "([^"]*)"`)

// privateOf is what a state has as private, decoded.
func privateOf(content string) string {
	var text strings.Builder
	for _, match := range privateField.FindAllStringSubmatch(content, -1) {
		decoded, _ := base64.StdEncoding.DecodeString(match[1])
		fields := map[string][]byte{}
		_ = json.Unmarshal(decoded, &fields)
		for name := range maps.Keys(fields) {
			text.WriteString(name + " " + string(fields[name]) + "\n")
		}
	}
	return text.String()
}

func unzip(t *testing.T, archive string) string {
	t.Helper()
	reader, err := zip.NewReader(bytes.NewReader([]byte(archive)), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range reader.File {
		// It has the configuration, which holds the canaries to begin with.
		if strings.HasPrefix(file.Name, "tfconfig/") {
			continue
		}
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(all)
	}
	return text.String()
}

// configuration has a canary wherever an argument may hold a secret.
func configuration() string {
	content, err := os.ReadFile("testdata/main.tf")
	if err != nil {
		panic(err)
	}
	return planted.ReplaceAllStringFunc(string(content), func(name string) string {
		return canary(planted.FindStringSubmatch(name)[1])
	})
}

// planted stands in the configuration for a canary.
var planted = regexp.MustCompile(`CANARY\(([a-z-]+)\)`)
