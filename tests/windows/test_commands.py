"""Every command of `dockcred` on Windows works, or says in one line why it cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from dockcred.commands import COMMANDS

pytestmark = pytest.mark.slow

ECR_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
CONFIG = '{"auths": {"ghcr.io": {"auth": "dXNlcjpwYXNz"}}}'
TARGETS = f"""\
[[target]]
file = '%(out)s\\refreshed.json'
format = "docker-config"
registries = ["{ECR_HOST}"]
"""


class Call(NamedTuple):
    """One call: its arguments, a part of its output, and its exit status."""

    words: str
    says: str
    status: int = 0


CALLS = {
    "cache": Call("", ""),
    "check": Call("docker-config %(in)s\\config.json", "ghcr.io"),
    "completion": Call("bash", "_DOCKCRED_COMPLETE"),
    "configure": Call("docker --all", "config.json"),
    "doctor": Call("", "docker: "),
    "forward": Call("--allow ghcr.io", "in WSL", 1),
    "exec": Call(
        f"--registry {ECR_HOST} -- cmd /c type %%DOCKER_CONFIG%%\\config.json & exit 7",
        ECR_HOST,
        7,
    ),
    "get": Call(ECR_HOST, "user      AWS"),
    "install": Call("", "stay as they are"),
    "import": Call("%(in)s\\config.json", "ghcr.io (user): imported"),
    "list": Call("", ""),
    "manual": Call("%(out)s\\man", "pages in"),
    "render": Call(
        f"docker-config --registry {ECR_HOST} --output %(out)s\\r.json", "wrote"
    ),
    "refresh": Call("--once %(in)s\\refresh.toml", "refreshed.json"),
    "setup": Call("--dry-run", "Plan"),
    "status": Call("", "keychain vault"),
    "sandbox": Call(
        "-- cmd /c echo %%AWS_ENDPOINT_URL_ECR%% & exit 7", "http://127.", 7
    ),
    "token-service": Call("--issuer https://a.example --audience b", "in WSL", 1),
    "vault": Call("create --key-file %(out)s\\vault.key", "Made "),
}


def test_each_works_or_says_in_one_line_why_it_does_not(windows, cloud, tmp_path):
    """The commands come from the program's own list, so that none is missed."""
    assert sorted(CALLS) == sorted(COMMANDS)
    tmp_path.chmod(0o700)
    places = {"in": tmp_path / "in", "out": tmp_path / "out"}
    for place in places.values():
        place.mkdir(mode=0o700)
    paths = {name: windows.path(place) for name, place in places.items()}
    for name, text in (("config.json", CONFIG), ("refresh.toml", TARGETS % paths)):
        file = places["in"] / name
        file.write_text(text)
        file.chmod(0o600)

    def problem(name: str) -> str:
        call = CALLS[name]
        variables = cloud.environment("env-keys") | {
            "DOCKCRED_TIMEOUT": "60",
            "DOCKER_CONFIG": windows.path(tmp_path / name),
            "DOCKCRED_STORE": "vault",
            "DOCKCRED_VAULT_FILE": windows.path(tmp_path / "out/vault"),
        }
        words = [word % paths for word in call.words.split()]
        answer = windows.run("dockcred", name, *words, variables=variables)
        said = (answer.stdout + answer.stderr).decode("utf-8", "replace")
        fine = answer.status == call.status and call.says in said
        if call.status == 1:
            fine = fine and answer.stdout == b"" and said.count("\n") == 1
        return "" if fine and "Traceback" not in said else f"{name}: {answer}"

    # `vault` goes first: the other commands store their secrets in that vault.
    found = [problem("vault")]
    with ThreadPoolExecutor(3) as pool:
        found += pool.map(problem, CALLS.keys() - {"vault"})
    assert not any(found), "\n".join(filter(None, found))
    made = {
        "out/r.json": ECR_HOST,
        "out/refreshed.json": ECR_HOST,
        "out/man/dockcred.1": "dockcred",
        "configure/config.json": '"credsStore": "auto"',
    }
    for name, text in made.items():
        assert text in (tmp_path / name).read_text(), name
