variable "production" {
  description = "The management cluster for production, and the namespace of the clusters in it."
  type = object({
    host                   = string
    cluster_ca_certificate = string
    namespace              = string
  })
}

variable "staging" {
  description = "The management cluster for staging, and the namespace of the clusters in it."
  type = object({
    host                   = string
    cluster_ca_certificate = string
    namespace              = string
  })
}

variable "tfc_kubernetes_dynamic_credentials" {
  description = "Set by HCP Terraform: where the tokens of dynamic credentials are."
  type = object({
    default = optional(object({ token_path = string }))
    aliases = map(object({ token_path = string }))
  })
}
