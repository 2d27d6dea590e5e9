data "capi_clusters" "production" {
  label_selector = "env=production,tier in (web, api),!legacy"
}

output "outdated" {
  value = [for c in data.capi_clusters.production.clusters : c.id if c.version != "v1.35.0"]
}
