# Installs the suite on every Linux client: a system job, so new clients get it too.
#   nomad job run packaging/nomad/install.nomad.hcl

variable "version" {
  type    = string
  default = ""
}

job "dockcred-install" {
  type        = "sysbatch"
  datacenters = ["*"]

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  group "install" {
    task "install" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["${NOMAD_TASK_DIR}/install.sh"]
      }

      template {
        destination = "local/install.sh"
        data        = <<-SCRIPT
          set -eu
          venv=/opt/dockcred/venv
          [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
          "$venv/bin/pip" install --quiet 'dockcred[all]${var.version}'
          "$venv/bin/dockcred" install --dir /usr/local/bin
        SCRIPT
      }

      resources {
        cpu    = 500
        memory = 256
      }
    }
  }
}
