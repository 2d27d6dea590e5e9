# ["v1.34.3", "v1.35.0"]
output "path" {
  value = provider::capi::upgrade_path("v1.33.4", "v1.35.0", ["v1.33.4", "v1.34.1", "v1.34.3", "v1.35.0"])
}
