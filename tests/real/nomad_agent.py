"""A real Nomad agent in the world, and a spy that records its calls of the helper."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.program import BUSY_S

from .parts import missing
from .world import World

BINARY = Path("/usr/local/lib/dockcred-ci/nomad")
SERVICE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH that systemd gives a service whose unit does not set it."""
INSTALLED = "/usr/local/bin"

# The spy records the request, and then execs the helper: Nomad stays the parent.
SPY = f"""#!/bin/sh
request={{directory}}/request.$$
cat >"$request"
printf '%s %s\\n' "$1" "$(cat "$request")" >>{{directory}}/asked
exec {INSTALLED}/docker-credential-{{name}} "$@" <"$request"
"""
CLIENT = """\
bind_addr = "127.0.0.1"
client {
  network_interface = "lo"
  options = { "driver.allowlist" = "docker" }
}
"""
JOB = """\
job "NAME" {
  type = "batch"
  group "one" {
    reschedule {
      attempts  = 0
      unlimited = false
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    task "one" {
      driver = "docker"
      config {
        image        = "IMAGE"
        command      = "/hello"
        force_pull   = true
        network_mode = "none"
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""


@dataclass
class Agent:
    """A running agent; each job has one image."""

    world: World
    directory: Path
    jobs: int = 0

    def asked(self) -> list[str]:
        """Return the helper's requests since the last call: verb and registry."""
        log = self.directory / "asked"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return lines

    def events(self, image: str) -> str:
        """Run a job with an image; return the events of its task until its end."""
        self.jobs += 1
        name = f"pull-{self.jobs}"
        file = self.directory / f"{name}.nomad.hcl"
        file.write_text(JOB.replace("NAME", name).replace("IMAGE", image))
        started = self._nomad("job", "run", "-detach", str(file))
        assert started.returncode == 0, started.stderr + started.stdout
        deadline = time.monotonic() + BUSY_S
        while time.monotonic() < deadline:
            shown = self._nomad("job", "allocs", "-json", name)
            for allocation in json.loads(shown.stdout or "null") or []:
                states = allocation["TaskStates"] or {}
                if any(state["State"] == "dead" for state in states.values()):
                    return "\n".join(
                        event["DisplayMessage"]
                        for state in states.values()
                        for event in state["Events"]
                    )
            time.sleep(0.3)
        raise AssertionError(f"no end of {name}: {shown.stdout}{shown.stderr}")

    def validate(self, job: Path) -> str:
        """Return Nomad's errors about a job file; "" if it is valid."""
        done = self._nomad("job", "validate", str(job))
        return "" if done.returncode == 0 else done.stderr + done.stdout

    def _nomad(self, *arguments: str):
        return self.world.run(str(BINARY), *arguments)


def require_nomad() -> None:
    """Require the agent that .ci/run builds from tests/real/nomad."""
    if not BINARY.exists():
        missing("nomad is not built: see .ci/run")


@contextmanager
def open_agent(
    world: World, directory: Path, configuration: Path, variables: Mapping[str, str]
) -> Iterator[Agent]:
    """Run an agent with this configuration and the PATH that systemd would give."""
    require_nomad()
    spies = directory / "spies"
    spies.mkdir(parents=True)
    for name in ("auto", "ecr-login"):
        spy = spies / f"docker-credential-{name}"
        spy.write_text(SPY.format(directory=directory, name=name))
        spy.chmod(0o755)
    (directory / "client.hcl").write_text(CLIENT)
    # -dev keeps the agent's state in TMPDIR, so it gets its own directory.
    state = directory / "state"
    state.mkdir()
    environment = {**variables, "PATH": f"{spies}:{SERVICE_PATH}", "TMPDIR": str(state)}

    def is_ready() -> bool:
        shown = world.run(str(BINARY), "node", "status", "-json")
        if shown.returncode:
            return False
        nodes = json.loads(shown.stdout or "[]")
        return any(
            node["Status"] == "ready" and node["Drivers"]["docker"]["Healthy"]
            for node in nodes
        )

    files = ("-config", str(directory / "client.hcl"), "-config", str(configuration))
    command = (str(BINARY), "agent", "-dev", *files)
    with world.server(*command, ready=is_ready, env=environment, within_s=BUSY_S):
        yield Agent(world, directory)
