// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

func TestKubeConfig(t *testing.T) {
	docker, clusters := newCluster(t, small)
	content, err := clusters.KubeConfig(t.Context(), "mgmt")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Clusters["kind-mgmt"]; c == nil || c.Server != "https://127.0.0.1:1" || !strings.HasPrefix(string(c.CertificateAuthorityData), "CA ") {
		t.Errorf("cluster is %+v", c)
	}
	if user := config.AuthInfos["kind-mgmt"]; user == nil || user.Token != "token of mgmt" {
		t.Errorf("user is %+v", user)
	}
	if _, err := clientcmd.NewNonInteractiveClientConfig(*config, config.CurrentContext, nil, nil).ClientConfig(); err != nil {
		t.Error(err)
	}
	// What has the label only is not asked, and what does not run is not waited for.
	docker.Add(kindtest.Container{Name: "mgmt-a", Labels: map[string]string{Label: "mgmt", roleLabel: "control-plane"}})
	if again, err := clusters.KubeConfig(t.Context(), "mgmt"); again != content || err != nil {
		t.Errorf("%q, %v", again, err)
	}
	for state, want := range map[string]string{"paused": "docker unpause mgmt-control-plane", "exited": "docker start mgmt-control-plane"} {
		docker.SetState("mgmt-control-plane", state)
		if _, err := clusters.KubeConfig(t.Context(), "mgmt"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", state, err)
		}
	}
	docker.Remove("mgmt-control-plane")
	if _, err := clusters.KubeConfig(t.Context(), "mgmt"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error is %v", err)
	}
}

// A cluster of several control plane nodes has its API behind a load balancer.
func TestKubeConfigBehindLoadBalancer(t *testing.T) {
	docker, clusters := newCluster(t, small)
	docker.Add(kindtest.Container{
		Name: "mgmt-external-load-balancer", APIServer: "127.0.0.1:2", Labels: map[string]string{Label: "mgmt", roleLabel: "external-load-balancer"},
	})
	content, err := clusters.KubeConfig(t.Context(), "mgmt")
	if err != nil || !strings.Contains(content, "server: https://127.0.0.1:2\n") {
		t.Errorf("%s, %v", content, err)
	}
}

func TestContextInKubeconfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config")
	_, clusters := newCluster(t, small)
	if err := clusters.ExportKubeConfig(t.Context(), "mgmt", path); err != nil {
		t.Fatal(err)
	}
	if got := loadFile(t, path); got.CurrentContext != "kind-mgmt" || len(got.Contexts) != 1 {
		t.Errorf("a new file is %+v", got)
	}
	const endpoint = "https://127.0.0.1:1"
	if !HasContext(path, "mgmt", endpoint) {
		t.Error("the context is not found")
	}
	if HasContext(path, "mgmt", "https://elsewhere") || HasContext(path, "another", endpoint) || HasContext("/nonexistent", "mgmt", "") {
		t.Error("a context is found that is not there")
	}
	ca := string(loadFile(t, path).Clusters["kind-mgmt"].CertificateAuthorityData)
	for name, other := range map[string]func() error{
		"another endpoint":    func() error { return RemoveContext(t.Context(), path, "mgmt", "https://elsewhere", ca) },
		"another certificate": func() error { return RemoveContext(t.Context(), path, "mgmt", endpoint, "CA") },
		"another name":        func() error { return RemoveContext(t.Context(), path, "other", endpoint, ca) },
	} {
		if err := other(); err != nil || !HasContext(path, "mgmt", endpoint) {
			t.Errorf("%s: the context is gone, %v", name, err)
		}
	}
	// A context that somebody points at another cluster is theirs.
	redirect := func(cluster string) {
		config := loadFile(t, path)
		config.Contexts["kind-mgmt"].Cluster = cluster
		if err := clientcmd.WriteToFile(*config, path); err != nil {
			t.Fatal(err)
		}
	}
	redirect("other")
	if err := RemoveContext(t.Context(), path, "mgmt", endpoint, ca); err != nil || loadFile(t, path).Contexts["kind-mgmt"] == nil {
		t.Errorf("redirected: the context is gone, %v", err)
	}
	redirect("kind-mgmt")
	if err := RemoveContext(t.Context(), path, "mgmt", endpoint, ca); err != nil {
		t.Fatal(err)
	}
	if got := loadFile(t, path); len(got.Contexts)+len(got.Clusters)+len(got.AuthInfos) > 0 || got.CurrentContext != "" {
		t.Errorf("left are %+v", got)
	}
	if err := RemoveContext(t.Context(), "/nonexistent/config", "mgmt", endpoint, ca); err != nil {
		t.Errorf("a file that does not exist: %v", err)
	}
	if err := RemoveContext(t.Context(), t.TempDir(), "mgmt", endpoint, ca); err == nil {
		t.Error("no error for a file that cannot be read")
	}
}

// A file stays what it is but for the context: linked, as accessible as before, with
// all else that it has, and with the same current context.
func TestExportKeepsTheFile(t *testing.T) {
	folder := t.TempDir()
	link, target := filepath.Join(folder, "config"), filepath.Join(folder, "elsewhere")
	config := clientcmdapi.NewConfig()
	config.Contexts["work"] = &clientcmdapi.Context{Cluster: "work", AuthInfo: "work", Namespace: "prod"}
	config.CurrentContext = "work"
	if err := errors.Join(clientcmd.WriteToFile(*config, target), os.Chmod(target, 0o640), os.Symlink("elsewhere", link)); err != nil {
		t.Fatal(err)
	}
	_, clusters := newCluster(t, small)
	if err := clusters.ExportKubeConfig(t.Context(), "mgmt", link); err != nil {
		t.Fatal(err)
	}
	got := loadFile(t, target)
	if got.CurrentContext != "work" || got.Contexts["work"].Namespace != "prod" || got.Contexts["kind-mgmt"] == nil {
		t.Errorf("the file is %+v", got)
	}
	info, err := os.Lstat(target)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 2 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// Whoever keeps to client-go's protocol loses nothing: neither what it writes, nor half
// of what it reads.
func TestConcurrentChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*clientcmdapi.NewConfig(), path); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			err := editKubeconfig(t.Context(), path, func(config *clientcmdapi.Config) bool {
				config.Contexts[fmt.Sprint(i)] = clientcmdapi.NewContext()
				return true
			})
			if err != nil {
				t.Error(err)
			}
		})
		wait.Go(func() {
			if content, err := os.ReadFile(path); err != nil || len(content) == 0 {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
	wait.Wait()
	if got := loadFile(t, path); len(got.Contexts) != 20 {
		t.Errorf("there are %d contexts", len(got.Contexts))
	}
}

func TestLock(t *testing.T) {
	const patience = 200 * time.Millisecond
	file := filepath.Join(t.TempDir(), "config")
	unlock, err := lockFile(t.Context(), file, patience)
	if err != nil {
		t.Fatal(err)
	}
	// That is how client-go finds it locked.
	if _, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_EXCL, 0); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error is %v", err)
	}
	unlock()
	if _, err := os.Stat(file + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is still there: %v", err)
	}
	// One of ours that nobody holds any more is broken.
	if err := os.WriteFile(file+".lock", []byte(lockMark+"dead"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlock, err = lockFile(t.Context(), file, patience)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	// One of others is theirs, and so is one that took the place of ours.
	lock, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_EXCL, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = lock.Close()
	if _, err := lockFile(t.Context(), file, patience); err == nil || !strings.Contains(err.Error(), "remove the lock") {
		t.Errorf("error is %v", err)
	}
	unlock()
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 || left[0].Name() != "config.lock" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func loadFile(t *testing.T, path string) *clientcmdapi.Config {
	t.Helper()
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}
