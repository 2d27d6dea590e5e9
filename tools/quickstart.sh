#!/usr/bin/env bash
# Applies (up) or destroys (down) examples/quickstart with the provider built from this checkout.
# TF_VAR_... environment variables reach the example, for example TF_VAR_worker_replicas=3.
set -euo pipefail
cd "$(dirname "$0")/.."
example=examples/quickstart
cache=${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-capi
management=${TF_VAR_management_cluster_name:-mgmt}
cluster=${TF_VAR_cluster_name:-capi-quickstart}
version=${TF_VAR_kubernetes_version:-v1.34.3}

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

terraform() { "$terraform" -chdir="$example" "$@"; }

init() {
  terraform=$(tools/terraform.sh)
  # A rebuilt provider has another checksum than the one that the lock file remembers.
  rm -f "$example/.terraform.lock.hcl"
  terraform init -input=false -no-color -plugin-dir="$cache/plugins" >"$cache/init.log" || { cat "$cache/init.log"; exit 1; }
}

up() {
  say "Docker engine"
  make -s docker
  say "Images: Kubernetes $version"
  make -s images VERSIONS="$version"
  say "Provider"
  make -s install
  echo "built and installed from this checkout"
  init
  say "terraform apply: management cluster $management, workload cluster $cluster"
  time=$SECONDS
  terraform apply -input=false -auto-approve
  say "Nodes of $cluster, $((SECONDS - time)) s after the start of terraform apply"
  nodes
  cat <<EOT

Use it:
  terraform -chdir=$example output -raw kubeconfig > $cluster.kubeconfig
  kubectl --kubeconfig $cluster.kubeconfig get pods --all-namespaces
Upgrade it (the plan says what will roll):
  make images VERSIONS=v1.35.0
  terraform -chdir=$example apply -var kubernetes_version=v1.35.0
Look at it the way Cluster API users do:
  docker exec $management-control-plane kubectl get clusters,machines --all-namespaces
Destroy it:
  make clean-quickstart
EOT
}

# nodes asks the workload cluster with the kubeconfig that the example puts out, by the kubectl of this machine, or by
# one in a node of the cluster where there is none.
nodes() {
  if command -v kubectl >/dev/null; then
    kubeconfig=$(mktemp)
    trap 'rm -f "$kubeconfig"' EXIT
    terraform output -raw kubeconfig >"$kubeconfig"
    kubectl --kubeconfig "$kubeconfig" get nodes -o wide
    return
  fi
  node=$(docker ps --filter "label=terraform-capi.io/cluster=$cluster" --filter label=terraform-capi.io/role=control-plane --format '{{.Names}}' | head -n 1)
  docker exec "$node" kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o wide
}

down() {
  if [ ! -e "$example/terraform.tfstate" ]; then
    echo "There is no quick start to undo: $example has no state."
    return
  fi
  make -s docker
  make -s install
  init
  # Without a refresh, because that plans the configuration, and after an upgrade by -var its version is a downgrade.
  terraform destroy -input=false -auto-approve -refresh=false
  rm -rf "$example"/.terraform "$example"/.terraform.lock.hcl "$example"/terraform.tfstate{,.backup}
}

case ${1:-} in
up | down) "$1" ;;
*) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
