"""Each child program gets the environment variables of its row, and no others."""

from __future__ import annotations

import json
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST

from dockcred.system import child_program
from dockcred.system.environment import Environment, meanings

SPY = """
env -0 >'{seen}.env'
{{ umask; ulimit -S -c; for fd in /proc/$$/fd/*; do echo "${{fd##*/}}"; done; }} \\
    >'{seen}.state'
"""
WORD = "canary"
ACR = "contoso.azurecr.io"
GOOGLE = "europe-docker.pkg.dev"
OWN = {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"}
"""Variables that a shell or Python adds by itself."""
STRANGE = ("VAULT_TOKEN", "SECRET_OF_ANOTHER", "LD_PRELOAD_PATH", "CI_JOB_TOKEN_V9")
ROWS = {
    # Kind of child: identity, registry, program, the child's file, variables we add.
    "az": ("azure-cli", ACR, "acr-login", "bin/az", {"AZURE_CORE_NO_COLOR"}),
    "pwsh": (
        "azure-powershell",
        ACR,
        "acr-login",
        "bin/pwsh",
        {"NO_COLOR", "POWERSHELL_UPDATECHECK"},
    ),
    "azd": ("azure-developer-cli", ACR, "acr-login", "bin/azd", {"NO_COLOR"}),
    "gcloud": (
        "google-gcloud",
        GOOGLE,
        "gcr",
        "bin/gcloud",
        {"CLOUDSDK_CORE_DISABLE_PROMPTS"},
    ),
    "gh": (
        "github-gh-keychain",
        "ghcr.io",
        "ghcr-login",
        "bin/gh",
        {"GH_PROMPT_DISABLED", "GH_NO_UPDATE_NOTIFIER"},
    ),
    "credential_process": (
        "credential-process",
        HOST,
        "ecr-login",
        "credential-process",
        set(),
    ),
    "google-executable": ("google-wif-executable", GOOGLE, "gcr", "", set()),
    "circleci": ("ci-circleci", "", "oidc", "bin/circleci", set()),
    "buildkite-agent": ("ci-buildkite", "", "oidc", "bin/buildkite-agent", set()),
    "oidc-command": ("ci-command", "", "oidc", "bin/mint", set()),
}


def bait(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables with every secret that we know, and some that we do not.

    The identity's own stay. Secrets that would select another identity are left out.
    """
    names = {*meanings.SECRETS, *STRANGE, "AWS_LAMBDA_RUNTIME_API", "DOCKCRED_SPIED"}
    names -= {"GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN"}
    names -= {"GITHUB_ENTERPRISE_TOKEN", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"}
    return {name: f"{WORD}-{name}" for name in names} | environment


def plant(path: Path, seen: Path) -> None:
    """Change a shell script so that it first writes down how it was called."""
    script = path.read_text()
    assert script.startswith("#!/bin/sh\n"), script
    path.write_text(script.replace("\n", "\n" + SPY.format(seen=seen), 1))


def got(seen: Path) -> dict[str, str]:
    text = Path(f"{seen}.env").read_bytes().decode()
    return dict(line.split("=", 1) for line in text.split("\0") if line)


def is_in_row(name: str, kind: str) -> bool:
    row = {"HOME", "PATH", *child_program.CHILDREN[kind]}
    if name in row:
        return True
    return name not in meanings.SECRETS and any(
        fnmatchcase(name, glob) for glob in row if "*" in glob
    )


def judge(seen: Path, kind: str, ours: set[str] = frozenset()) -> dict[str, str]:
    """Check a child's variables, core limit, umask and files; return its variables."""
    variables = got(seen)
    strangers = {n for n in variables if not is_in_row(n, kind)} - OWN - ours
    assert not strangers
    for name, value in variables.items():
        if WORD in value:
            assert name in child_program.CHILDREN[kind], f"{name} is a secret"
    umask, core, *open_files = Path(f"{seen}.state").read_text().split()
    assert (umask, core) == ("0077", "0")
    # The shell itself may have files open, but none that we left open.
    assert "loose" not in "".join(open_files)
    assert not [name for name in open_files if name.startswith(("socket:", "anon"))]
    return variables


@pytest.mark.parametrize("kind", ROWS)
def test_a_program_gets_its_row_and_nothing_else(
    kind: str, cloud, helper_bin: Path, tmp_path: Path
) -> None:
    identity, host, program, file, ours = ROWS[kind]
    environment = cloud.environment(identity)
    host = host or environment["DOCKCRED_OIDC_HOSTS"].split(",")[0]
    seen = tmp_path / "seen"
    path = Path(environment["HOME"]) / file
    if kind == "google-executable":
        document = Path(environment["GOOGLE_APPLICATION_CREDENTIALS"])
        source = json.loads(document.read_text())["credential_source"]
        path = Path(source["executable"]["command"].split()[0])
    plant(path, seen)
    with (tmp_path / "loose").open("w") as loose:
        done = subprocess.run(
            [helper_bin / f"docker-credential-{program}", "get"],
            env=bait(environment),
            input=host.encode(),
            capture_output=True,
            timeout=BUSY_S,
            check=False,
            pass_fds=[loose.fileno()],
        )
    assert Path(f"{seen}.env").exists(), (done.stdout, done.stderr)
    assert done.returncode == 0, (done.stdout, done.stderr)
    judge(seen, kind, ours)


@pytest.fixture
def desk(tmp_path: Path) -> dict[str, str]:
    """Return variables without an identity, with a home whose bin is first on PATH."""
    (tmp_path / "bin").mkdir()
    return bait({"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin"})


def write(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_another_helper_as_store_gets_no_secret(
    desk: dict[str, str], helper_bin: Path, tmp_path: Path
) -> None:
    answer = '{"ServerURL": "x", "Username": "me", "Secret": "s"}'
    helper = write(
        tmp_path / "bin/docker-credential-spy", f"cat >/dev/null; echo '{answer}'"
    )
    plant(helper, tmp_path / "seen")
    subprocess.run(
        [helper_bin / "docker-credential-auto", "get"],
        env=desk | {"DOCKCRED_STORE": "helper:spy"},
        input=b"registry.example",
        capture_output=True,
        check=True,
    )
    judge(tmp_path / "seen", "helper", {"DOCKCRED_INSIDE"})


def test_gpg_gets_what_pass_needs(
    desk: dict[str, str], helper_bin: Path, tmp_path: Path
) -> None:
    plant(write(tmp_path / "bin/gpg", "echo secret"), tmp_path / "seen")
    entry = tmp_path / ".password-store/docker-credential-helpers"
    entry /= "cmVnaXN0cnkuZXhhbXBsZQ=="
    entry.mkdir(parents=True)
    (entry / "me.gpg").touch()
    (tmp_path / ".password-store/.gpg-id").write_text("me\n")
    subprocess.run(
        [helper_bin / "docker-credential-keyring", "get"],
        env=desk | {"DOCKCRED_STORE": "pass", "GNUPGHOME": "/gnupg"},
        input=b"registry.example",
        capture_output=True,
        check=True,
    )
    assert judge(tmp_path / "seen", "pass")["GNUPGHOME"] == "/gnupg"


def test_what_refresh_delivers_to_gets_its_row(
    cloud, helper_bin: Path, tmp_path: Path
) -> None:
    command = write(tmp_path / "receiver", "cat >/dev/null")
    plant(command, tmp_path / "seen")
    (tmp_path / "refresh.toml").write_text(
        "[[target]]\nformat = 'docker-config'\n"
        f"registries = ['{HOST}']\ncommand = ['{command}']\n"
    )
    subprocess.run(
        [helper_bin / "dockcred", "refresh", "--once", tmp_path / "refresh.toml"],
        env=bait(cloud.environment("shared-credentials")),
        capture_output=True,
        check=True,
    )
    judge(tmp_path / "seen", "refresh-command")


def test_a_process_at_the_end_of_a_chain_of_profiles_gets_its_row(
    cloud, helper_bin: Path, tmp_path: Path
) -> None:
    """botocore makes a new ProcessProvider for each profile of a chain."""
    environment = cloud.environment("assume-role")
    directory = Path(environment["HOME"]) / ".aws"
    keys = dict(
        line.replace(" ", "").split("=", 1)
        for line in (directory / "credentials").read_text().splitlines()
        if "=" in line
    )
    answer = {
        "Version": 1,
        "AccessKeyId": keys["aws_access_key_id"],
        "SecretAccessKey": keys["aws_secret_access_key"],
    }
    process = write(tmp_path / "process", f"echo '{json.dumps(answer)}'")
    plant(process, tmp_path / "seen")
    (section,) = [
        line
        for line in (directory / "credentials").read_text().splitlines()
        if line.startswith("[")
    ]
    (directory / "credentials").unlink()
    with (directory / "config").open("a") as config:
        name = section.strip("[]")
        title = "default" if name == "default" else f"profile {name}"
        config.write(f"\n[{title}]\ncredential_process = {process}\n")
    done = subprocess.run(
        [helper_bin / "docker-credential-ecr-login", "get"],
        env=bait(environment),
        input=HOST.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, (directory / "config").read_text())
    judge(tmp_path / "seen", "credential_process")


def test_a_person_may_name_what_a_program_needs_besides(
    desk: dict[str, str], helper_bin: Path, tmp_path: Path
) -> None:
    answer = '{"ServerURL": "x", "Username": "me", "Secret": "s"}'
    helper = write(
        tmp_path / "bin/docker-credential-spy", f"cat >/dev/null; echo '{answer}'"
    )
    plant(helper, tmp_path / "seen")
    named = {"DOCKCRED_CHILD_VARIABLES": "VAULT_*, SECRET_OF_ANOTHER"}
    subprocess.run(
        [helper_bin / "docker-credential-auto", "get"],
        env=desk | named | {"DOCKCRED_STORE": "helper:spy"},
        input=b"registry.example",
        capture_output=True,
        check=True,
    )
    found = {name for name, value in got(tmp_path / "seen").items() if WORD in value}
    assert found == {"VAULT_TOKEN", "SECRET_OF_ANOTHER"}


def test_a_family_of_variables_has_no_secret() -> None:
    variables = Environment(
        dict.fromkeys(meanings.SECRETS | {"CLOUDSDK_CORE_PROJECT"}, "x")
    )
    for kind, row in child_program.CHILDREN.items():
        passed = set(child_program.variables_for(kind, variables)) - {"HOME", "PATH"}
        assert passed & meanings.SECRETS <= set(row)
    assert "CLOUDSDK_CORE_PROJECT" in child_program.variables_for("gcloud", variables)


ALLOWED = {
    "commands/exec_/__init__.py": "the command of a person, who keeps their variables",
    "commands/forward/__init__.py": "the command of a person, as above",
    "commands/doctor/fix.py": "what a person has agreed to, with their variables",
    "commands/doctor/locked.py": "a place that the self-test of a person locks, as above",
    "commands/doctor/self_test.py": "the name of an exception",
    "testing/sandbox/runner.py": "as above",
    "testing/demo.py": "as above",
    "testing/provider_contract.py": "a test",
    "testing/store_contract.py": "a test",
    "clients/files.py": "doctor asks a helper as the client does, with its variables",
    "commands/doctor/agents.py": "doctor asks a plugin as kubelet does, as above",
    "api/worker.py": "our own child: it is the one who mints",
    "identity/mint.py": "our own child: a fork of us",
    "system/watcher.py": "our own child: it gets no variables at all",
    "system/windows/processes.py": "our own child, where none can be forked",
    "commands/token_service/workers.py": "our own children: forks of us that serve",
    "system/spawn.py": "the one starter of what child_program asks; forks of us, for `list`",
    "providers/ecr/sdk.py": "botocore's Popen, with the row of credential_process",
    "providers/alibaba/sdk.py": "the library's run, with the row of credential_process",
    "providers/google/sdk.py": "the name of an exception",
}
STARTERS = (
    *("subprocess", "multiprocessing", "pty.spawn", "os.system", "os.popen"),
    *("os.exec", "os.spawn", "os.posix_spawn", "os.fork", "spawn.run"),
)


def test_nothing_else_of_ours_starts_a_program() -> None:
    """New code that starts a program must use child_program, or be in ALLOWED."""
    root = Path(child_program.__file__).parents[1]
    found = {}
    for path in sorted(root.rglob("*.py")):
        code = path.read_text().splitlines()
        lines = [line for line in code if not line.strip().startswith(("#", '"'))]
        imports = [line for line in lines if "import" in line]
        calls = [each for line in lines for each in STARTERS[2:] if f"{each}" in line]
        if calls or any(word in line for line in imports for word in STARTERS[:2]):
            found[path.relative_to(root).as_posix()] = True
    found.pop("system/child_program.py")
    assert set(found) <= set(ALLOWED)
