# Installs the suite on every Linux client: a system job, so new clients get it too.
#   nomad job run packaging/nomad/install.nomad.hcl
#
# It needs of each client:
# - the raw_exec driver, which is off unless the client's configuration says
#     plugin "raw_exec" { config { enabled = true } }
#   since what it installs must stay on the client, outside of any container,
# - an agent that runs as root, python3 with its venv, and a package index for pip,
# - 256 MB of memory, and 512 MB while pip unpacks: raw_exec counts what is written to a
#   tmpfs, as /tmp is on many clients, as the task's memory. TMPDIR is on disk therefore.
# It restarts no agent, and changes no agent's configuration.

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

  # Clients without the driver are passed over, not failed.
  constraint {
    attribute = "${attr.driver.raw_exec}"
    value     = "1"
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
          TMPDIR=/var/tmp
          export TMPDIR
          venv=/opt/dockcred/venv
          [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
          "$venv/bin/pip" install --quiet --no-cache-dir 'dockcred[all]${var.version}'
          "$venv/bin/dockcred" install --dir /usr/local/bin
        SCRIPT
      }

      resources {
        cpu        = 500
        memory     = 256
        memory_max = 512
      }
    }
  }
}
