"""A home with clients and a working helper, examined in this process."""

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
    """A home where docker and podman ask `docker-credential-mine`, which works."""

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
        """Examine for the clients named, or for those that are installed."""
        reference = Reference(name) if name else None
        found = examination.examine(reference, Environment(self.variables), clients)
        assert "s3cr3t" not in found.document()
        return found

    def examine(self, name: str | None = "r.example", *clients: str) -> list[Finding]:
        """Examine for docker, or for the clients named; return the findings."""
        return self.follow(name, *(clients or ("docker",))).findings

    def problem(self, name: str | None = "r.example", *clients: str) -> Finding:
        """Examine, and return the only problem."""
        (found,) = (f for f in self.examine(name, *clients) if f.is_problem)
        return found

    def note(self, words: str, name: str | None = "r.example") -> Finding:
        """Examine, and return the finding with these words; the status must be 0."""
        found = self.examine(name)
        assert exit_status(found) == 0
        return next(f for f in found if words in f.text)

    def fix(self, finding: Finding) -> None:
        """Run the finding's command."""
        assert finding.fix
        subprocess.run(["/bin/sh", "-c", finding.fix], check=True, timeout=BUSY_S)
