# Part of a Nomad client's configuration: /etc/nomad.d/dockcred.hcl

# The agent's variables are the helper's. Nomad takes "not found" for a failure of the
# task; an empty answer it takes for "pull anonymously" (nomad#9302, nomad#9991).
#   DOCKCRED_ON_MISS=empty     in the agent's unit: packaging/systemd/nomad-dockcred.conf

plugin "docker" {
  config {
    auth {
      # One helper for every image: registries of clouds by their hosts, all others
      # from the vault, or anonymously.
      helper = "auto"
    }
  }
}
