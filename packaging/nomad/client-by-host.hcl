# The other way: a docker config.json that names the helper host by host, so that
# images from elsewhere never reach it.
#   { "credHelpers": { "123456789012.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login" } }

plugin "docker" {
  config {
    auth {
      config = "/etc/dockcred/docker-config.json"
    }
  }
}
