"""A home with a client and a helper that answers, followed in this process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from support.program import BUSY_S

from dockcred.clients.findings import Finding, exit_status
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import examination
from dockcred.commands.doctor.verdict import Examination
from dockcred.system.environment import Environment

GOOD = '#!/bin/sh\nread -r key\necho \'{"Username":"me","Secret":"s3cr3t"}\'\n'


class Machine:
    """A home whose docker and podman asks `docker-credential-mine`, which answers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.variables = {"HOME": str(path), "PATH": f"{path}/bin"}
        for directory in ("bin", ".docker", "first"):
            (path / directory).mkdir()
        self.program("bin/docker-credential-mine", GOOD)
        self.docker({"credHelpers": {"r.example": "mine"}})

    def program(self, name: str, text: str = "#!/bin/sh\n") -> Path:
        """Write an executable below the home."""
        path = self.path / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def docker(self, content: object) -> Path:
        """Write config.json."""
        return self.write_docker(json.dumps(content))

    def write_docker(self, text: str) -> Path:
        """Write config.json as it is given."""
        path = self.path / ".docker/config.json"
        path.write_text(text)
        return path

    def follow(self, name: str | None = "r.example", *clients: str) -> Examination:
        """Examine as the clients named, or as those that are there."""
        reference = Reference(name) if name else None
        found = examination.examine(reference, Environment(self.variables), clients)
        assert "s3cr3t" not in found.document()
        return found

    def examine(self, name: str | None = "r.example", *clients: str) -> list[Finding]:
        """Examine as docker, or as the clients named."""
        return self.follow(name, *(clients or ("docker",))).findings

    def problem(self, name: str | None = "r.example", *clients: str) -> Finding:
        """Examine, and answer the one problem that there is."""
        (found,) = (f for f in self.examine(name, *clients) if f.is_problem)
        return found

    def note(self, words: str, name: str | None = "r.example") -> Finding:
        """Examine, and answer the note that has these words; all is well."""
        found = self.examine(name)
        assert exit_status(found) == 0
        return next(f for f in found if words in f.text)

    def fix(self, finding: Finding) -> None:
        """Run the command that was printed."""
        assert finding.fix
        subprocess.run(["/bin/sh", "-c", finding.fix], check=True, timeout=BUSY_S)
