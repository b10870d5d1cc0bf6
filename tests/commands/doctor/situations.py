"""Every situation in which a person's docker or podman fails, and what mends it.

A row is a function that makes its situation. Where the doctor prints a command, the
test runs it as it is printed. Some remedies are acts without a command: then the row
yields the name of an act that does the same, and carries it out.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stores.places import Desk, Home, set_up_pass, short_directory, stop_gpg
from support import real

from .person import HOST, Person

Make = Callable[[Person], "Iterator[str] | None"]
SITUATIONS: dict[str, Situation] = {}
WORKS, ANONYMOUS, BROKEN = "works", "anonymous", "broken"
ACCOUNT = "123456789012"
AZURE, GOOGLE, GITHUB = "acmecorp.azurecr.io", "europe-west1-docker.pkg.dev", "ghcr.io"
ORACLE, GITLAB = "iad.ocir.io", "registry.gitlab.com"
ALIBABA = "registry.cn-hangzhou.aliyuncs.com"
KEPT = "r.example"
"""A registry of no cloud, whose login is kept somewhere."""


@dataclass(frozen=True)
class Situation:
    """What is asked, what the doctor must print, and the verdict after the remedy.

    `cause` and `remedy` are words of the first problem that is printed.
    """

    verdict: str
    host: str
    cause: str
    remedy: str
    client: str
    then: str
    slow: bool
    make: Make


def situation(
    verdict: str,
    host: str,
    cause: str,
    remedy: str,
    *,
    client: str = "docker",
    then: str = WORKS,
    slow: bool = False,
) -> Callable[[Make], Make]:
    """Register a situation under its function's name."""

    def register(make: Make) -> Make:
        name = make.__name__ if make.__name__ != "make" else f"asks_for_{host}"
        SITUATIONS[name] = Situation(
            verdict, host, cause, remedy, client, then, slow, make
        )
        return make

    return register


def auth(text: str) -> dict[str, str]:
    """Return an entry of `auths` for user:password."""
    return {"auth": base64.b64encode(text.encode()).decode()}


LOGIN = {"auths": {KEPT: auth("me:s3cr3t")}}
ECR = {"credHelpers": {HOST: "ecr-login"}}
AUTO = {"credsStore": "auto"}


# Helpers.


@situation(
    BROKEN, HOST, "docker-credential-ecr-login is not on PATH", "dockcred install"
)
def helper_is_not_on_path(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")


@situation(BROKEN, HOST, "which is not on PATH", "export PATH=", slow=True)
def helper_is_installed_off_the_path(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")
    person.succeed("dockcred", "install", "--dir", f"{person.home}/.local/bin")


@situation(BROKEN, HOST, "is not executable", "chmod +x", slow=True)
def helper_may_not_run(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")
    person.succeed("dockcred", "install", "--dir", f"{person.home}/bin")
    (person.home / "bin/docker-credential-ecr-login").chmod(0o644)


@situation(BROKEN, HOST, "is a link to nothing", "rm ", slow=True)
def helper_is_a_link_to_nothing(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")
    gone = person.home / "bin/docker-credential-ecr-login"
    gone.symlink_to("/opt/gone/docker-credential-ecr-login")


@situation(
    BROKEN, HOST, "it needs /opt/gone/bin/python3", "dockcred install", slow=True
)
def interpreter_of_pips_program_is_gone(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")
    person.program("docker-credential-ecr-login", "").write_text(
        "#!/opt/gone/bin/python3\nfrom docker_credential_ecr_login import main\n"
    )


@situation(BROKEN, HOST, "it needs /opt/gone/bin/python3", "mv ", slow=True)
def interpreter_of_anothers_helper_is_gone(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")
    person.program("docker-credential-ecr-login", "").write_text(
        "#!/opt/gone/bin/python3\nimport docker_credential_ecr_login\n"
    )


@situation(BROKEN, HOST, "end in CR LF", "sed -i", slow=True)
def helper_was_edited_on_windows(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.take_away("ecr-login")
    ours = person.programs / "docker-credential-ecr-login"
    person.program("docker-credential-ecr-login", "").write_bytes(
        b'#!/bin/sh\r\nexec %s "$@"\r\n' % os.fsencode(ours)
    )


@situation(BROKEN, HOST, "shadows", "mv ")
def another_programs_helper_shadows_ours(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.program(
        "docker-credential-ecr-login", "cat >/dev/null\necho no basic auth\nexit 1"
    )


@situation(BROKEN, HOST, "docker-credential-ecr-logn", "--helper ecr-login")
def helper_of_a_key_has_a_slip(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credHelpers": {HOST: "ecr-logn"}})


@situation(BROKEN, HOST, "docker-credential-ecr_login", "--helper ecr-login", slow=True)
def helper_of_a_key_has_an_underscore(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credHelpers": {HOST: "ecr_login"}})


@situation(BROKEN, HOST, "docker-credential-atuo", "dockcred configure docker --all")
def store_of_the_file_has_a_slip(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credsStore": "atuo"})


@situation(
    BROKEN,
    HOST,
    "docker-credential-docker-credential-auto",
    "configure docker --all",
    slow=True,
)
def store_of_the_file_is_written_with_its_prefix(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credsStore": "docker-credential-auto"})


@situation(BROKEN, HOST, "acr-login has no credential", "--helper ecr-login")
def helper_is_another_clouds(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credHelpers": {HOST: "acr-login"}})


# Keys.


@situation(BROKEN, HOST, f'"https://{HOST}"', "dockcred configure docker --registry")
def key_has_a_scheme(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credHelpers": {f"https://{HOST}": "ecr-login"}})


@situation(BROKEN, HOST, '"*.amazonaws.com"', "dockcred configure docker --registry")
def key_is_a_wildcard(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credHelpers": {"*.amazonaws.com": "ecr-login"}})


@situation(BROKEN, GITHUB, '"ghrc.io"', "dockcred configure docker --registry ghcr.io")
def key_is_a_slip(person: Person) -> None:
    person.be("github-gh-token")
    person.docker({"credHelpers": {"ghrc.io": "ghcr-login"}})


@situation(BROKEN, HOST, "asks", "dockcred configure docker --registry", slow=True)
def key_is_of_another_region(person: Person) -> None:
    person.be("env-keys")
    other = HOST.replace("eu-west-1", "eu-west-2")
    person.docker({"credHelpers": {other: "ecr-login"}})


@situation(BROKEN, HOST, "is a stub", "dockcred configure docker --registry", slow=True)
def stub_is_left_of_a_store(person: Person) -> None:
    person.be("env-keys")
    person.docker({"auths": {HOST: {}}})


@situation(
    BROKEN,
    HOST,
    "is a file; it must be a directory",
    "export DOCKER_CONFIG=",
    slow=True,
)
def docker_config_names_the_file_itself(person: Person) -> None:
    person.be("env-keys")
    file = person.write("ci/config.json", ECR)
    person.variables["DOCKER_CONFIG"] = str(file)


@situation(BROKEN, HOST, ".docker/config.json has", "unset DOCKER_CONFIG")
def docker_config_names_an_empty_directory(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.variables["DOCKER_CONFIG"] = str(person.home / "bin")


@situation(BROKEN, HOST, "is not JSON (line 1)", "mv ")
def file_was_half_written(person: Person) -> None:
    person.be("env-keys")
    person.docker('{"credHelpers": {')


@situation(BROKEN, HOST, "is a directory", "rmdir ", slow=True)
def bind_mount_made_a_directory(person: Person) -> None:
    person.be("env-keys")
    (person.home / ".docker/config.json").mkdir(parents=True)


@situation(
    BROKEN, HOST, "ignore credsStore", "dockcred configure podman", client="podman"
)
def store_is_dockers_alone(person: Person) -> None:
    person.be("env-keys")
    person.docker({"credsStore": "ecr-login"})


@situation(
    BROKEN, HOST, "REGISTRY_AUTH_FILE", "unset REGISTRY_AUTH_FILE", client="podman"
)
def registry_auth_file_names_nothing(person: Person) -> None:
    person.be("env-keys")
    person.write(".config/containers/auth.json", ECR)
    person.variables["REGISTRY_AUTH_FILE"] = str(person.home / "gone.json")


# Files that belong to another user.


def _without_roots_rights(person: Person) -> None:
    """Run the doctor without root's rights, so that file modes apply to it."""
    real.require_root("a file of another user")
    rights = "-dac_override,-dac_read_search"
    person.before = ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")
    real.require(*person.before, "true")
    person.before = (real.program("setpriv"), *person.before[1:])
    person.program("sudo", 'exec "$@"')
    person.variables["USER"] = "root"


@situation(BROKEN, KEPT, ".docker lets only", "sudo chown -R root")
def directory_is_another_users(person: Person) -> None:
    _without_roots_rights(person)
    file = person.docker(LOGIN)
    for path in (file, file.parent):
        os.chown(path, 65534, 65534)
    file.parent.chmod(0o700)


@situation(BROKEN, KEPT, "cannot be read by this user", "sudo chown root")
def file_is_another_users(person: Person) -> None:
    _without_roots_rights(person)
    os.chown(person.docker(LOGIN), 65534, 65534)


@situation(BROKEN, KEPT, "cannot be read by this user", "chmod u+r ")
def file_is_for_nobody(person: Person) -> None:
    if os.geteuid() == 0:
        _without_roots_rights(person)
    person.docker(LOGIN).chmod(0)


@situation(
    BROKEN, KEPT, "cannot be read by this user", "sudo chown -R", client="podman"
)
def podmans_directory_is_another_users(person: Person) -> None:
    _without_roots_rights(person)
    file = person.write(".config/containers/auth.json", LOGIN)
    os.chown(file.parent, 65534, 65534)
    file.parent.chmod(0o700)


# Logins.


def _import(person: Person) -> None:
    """Move all logins into the store, and configure docker to ask it."""
    person.docker(LOGIN)
    person.succeed("dockcred", "configure", "docker", "--all")
    person.succeed("dockcred", "import", "docker", "--remove")


def _vault(person: Person) -> str:
    key = person.home.parent / "vault.key"
    person.succeed("dockcred", "vault", "create", "--key-file", str(key))
    return str(key)


@situation(
    BROKEN,
    KEPT,
    "that docker does not send",
    "dockcred import docker --remove",
    slow=True,
)
def logins_are_hidden_by_a_store(person: Person) -> None:
    _vault(person)
    person.docker(LOGIN)
    person.succeed("dockcred", "configure", "docker", "--all")


@situation(
    BROKEN,
    KEPT,
    "that docker does not send",
    "dockcred import docker --remove",
    slow=True,
)
def login_is_hidden_by_a_helper(person: Person) -> None:
    _vault(person)
    person.docker(LOGIN)
    person.succeed(
        *("dockcred", "configure", "docker", "--registry", KEPT),
        *("--helper", "keyring"),
    )


@situation(
    *(BROKEN, KEPT, "does not send", "dockcred import"), client="podman", slow=True
)
def login_of_podman_is_hidden_by_a_helper(person: Person) -> None:
    _vault(person)
    person.write(".config/containers/auth.json", LOGIN)
    person.succeed("dockcred", "configure", "podman", "--registry", KEPT)


@situation(
    BROKEN, KEPT, "keeps a login", "dockcred configure docker --registry", slow=True
)
def undo_left_logins_in_the_vault(person: Person) -> None:
    _vault(person)
    _import(person)
    person.succeed("dockcred", "configure", "docker", "--undo", "--no-logins")


@situation(
    *(BROKEN, KEPT, "keeps a login", "dockcred configure podman --registry"),
    client="podman",
    slow=True,
)
def undo_left_podmans_logins_in_the_vault(person: Person) -> None:
    _vault(person)
    file = person.write(".config/containers/auth.json", LOGIN)
    person.succeed("dockcred", "configure", "podman", "--registry", KEPT)
    person.succeed("dockcred", "import", str(file), "--remove")
    person.succeed("dockcred", "configure", "podman", "--undo", "--no-logins")


@situation(BROKEN, KEPT, "the vault's key cannot be read", "bring it back", slow=True)
def key_of_the_vault_is_gone(person: Person) -> Iterator[str]:
    key = _vault(person)
    _import(person)
    os.rename(key, f"{key}.away")
    yield "the key is brought back"
    os.rename(f"{key}.away", key)


def _in_a_closed_etc(person: Person) -> None:
    """Make /etc read-only for root too, as it is for all other users."""
    if os.geteuid() != 0:
        return
    real.require_own_mounts()
    holder = person.start(
        *("unshare", "--mount", "sh", "-c"),
        "mount --bind /etc /etc && mount -o remount,ro,bind /etc && echo && exec cat",
    )
    assert holder.stdout
    holder.stdout.readline()
    place = f"--mount=/proc/{holder.pid}/ns/mnt"
    person.inside = (real.program("nsenter"), place, f"--wd={person.home}")


@situation(
    *(BROKEN, KEPT, "no D-Bus session bus", ".config/dockcred/vault.key"),
    then=ANONYMOUS,
    slow=True,
)
def no_bus_is_there_and_etc_cannot_be_written(person: Person) -> None:
    _in_a_closed_etc(person)
    person.docker({"credsStore": "keyring"})


@situation(
    *(BROKEN, KEPT, "DOCKCRED_STORE names no store", "set -gx DOCKCRED_STORE vault"),
    slow=True,
)
def store_of_the_variable_has_a_slip_in_fish(person: Person) -> None:
    person.shell = real.program("fish")
    person.variables["SHELL"] = person.shell
    store_of_the_variable_has_a_slip(person)


@situation(
    BROKEN,
    KEPT,
    "DOCKCRED_STORE names no store",
    "export DOCKCRED_STORE=vault",
    slow=True,
)
def store_of_the_variable_has_a_slip(person: Person) -> None:
    _vault(person)
    _import(person)
    person.variables["DOCKCRED_STORE"] = "valut"


@situation(BROKEN, KEPT, "pass has no store here yet", "pass init", slow=True)
def pass_was_never_set_up(person: Person) -> Iterator[str]:
    with short_directory() as place:
        made = Home(place)
        set_up_pass(made)
        person.variables |= {
            "DOCKCRED_STORE": "pass",
            "GNUPGHOME": f"{place}/.gnupg",
            "PATH": f"{person.variables['PATH']}:{real.SYSTEM_PATH}",
        }
        person.docker({"credsStore": "keyring"})
        yield "the command is run with the id of a key, and the login is stored"
        person.type(f"{person.command} test@example.invalid")
        made.variables |= person.variables
        made.helper.store(KEPT, "me", "s3cr3t")
        yield "done"
        stop_gpg(made)


@situation(BROKEN, KEPT, "the keyring is locked", "gnome-keyring-daemon", slow=True)
def keyring_is_locked(person: Person) -> Iterator[str]:
    with short_directory() as place, Desk(place) as desk:
        desk.start_keyring("password")
        for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"):
            person.variables[name] = desk.variables[name]
        _import(person)
        desk.stop_keyring()
        desk.start_keyring(None)
        yield "the command is run, with the keyring's password on stdin"
        desk.run_remedy(person.said.encode(), "password")
        yield "done"


# Secrets from a file, a program or a variable.


def _secret(person: Person, place: str) -> None:
    person.docker(AUTO)
    text = f'[[registry]]\nmatch = "{KEPT}"\nusername = "me"\n{place}\n'
    person.write(".config/dockcred/config.toml", text)


def _secret_file(person: Person, mode: int) -> Path:
    file = person.write("secret", "s3cr3t\n", mode)
    _secret(person, f'password_file = "{file}"')
    return file


@situation(BROKEN, KEPT, "others can read it", "chmod o-rwx")
def secret_can_be_read_by_others(person: Person) -> None:
    _secret_file(person, 0o644)


@situation(BROKEN, KEPT, "others can write it", "chmod go-w", slow=True)
def secret_can_be_written_by_others(person: Person) -> None:
    _secret_file(person, 0o620)


@situation(BROKEN, KEPT, "which is not there", "put the secret there")
def secrets_file_is_gone(person: Person) -> Iterator[str]:
    file = _secret_file(person, 0o600)
    os.rename(file, f"{file}.away")
    yield "the file is brought back"
    os.rename(f"{file}.away", file)


@situation(BROKEN, KEPT, "print-secret, which is not on PATH", "install print-secret")
def secrets_program_is_not_installed(person: Person) -> Iterator[str]:
    _secret(person, 'password_command = ["print-secret"]')
    yield "the program is installed"
    person.write("bin/print-secret", "#!/bin/sh\necho s3cr3t\n", 0o755)


@situation(BROKEN, KEPT, "print-secret gave nothing", "by hand", slow=True)
def secrets_program_fails(person: Person) -> Iterator[str]:
    script = "#!/bin/sh\necho locked >&2\nexit 1\n"
    program = person.write("bin/print-secret", script, 0o755)
    _secret(person, 'password_command = ["print-secret"]')
    yield "what it says by hand is seen to"
    program.write_text("#!/bin/sh\necho s3cr3t\n")


@situation(BROKEN, KEPT, "which is not set here", "export REGISTRY_PASSWORD=")
def secrets_variable_is_not_set(person: Person) -> Iterator[str]:
    _secret(person, 'password_variable = "REGISTRY_PASSWORD"')
    yield "it is set"
    person.variables["REGISTRY_PASSWORD"] = "s3cr3t"


# Names.


def _asks_for(host: str, identity: str, meant: str) -> Make:
    """Return a row where a person asks for a misspelt host of a cloud."""

    def make(person: Person) -> Iterator[str]:
        person.be(identity)
        person.docker(AUTO)
        person.cloud.fail("ecr:refuse")  # the proxy finds no such name
        yield f"{host} is written {meant}"
        person.cloud.recover()
        person.host = meant

    return make


_ALWAYS = ("acmecorp.azurecr.oi", "ghcr.com")


def _digits(count: int) -> str:
    return (ACCOUNT * 2)[:count] + HOST.removeprefix(ACCOUNT)


for _host, _cause, _remedy, _identity, _meant in (
    (
        "acmecorp.azurecr.oi",
        "no registry of Azure's",
        AZURE,
        "azure-client-secret",
        AZURE,
    ),
    (
        "acmecorp.azurcr.io",
        "no registry of Azure's",
        AZURE,
        "azure-client-secret",
        AZURE,
    ),
    ("ghcr.com", "no registry of GitHub's", GITHUB, "github-gh-token", GITHUB),
    ("ghrc.io", "no registry of GitHub's", GITHUB, "github-gh-token", GITHUB),
    (
        *("europe-west1-dokcer.pkg.dev", "no registry of Google's"),
        *(GOOGLE, "google-service-account", GOOGLE),
    ),
    ("gcr.oi", "no registry of Google's", "gcr.io", "google-service-account", "gcr.io"),
    ("iad.ocir.oi", "no registry of Oracle's", ORACLE, "oracle-api-key", ORACLE),
    (
        *(ALIBABA.replace("uncs", "un"), "no registry of Alibaba Cloud's"),
        *(ALIBABA, "alibaba-env-keys", ALIBABA),
    ),
    (
        *("registry.gitlab.con", "no registry of GitLab's"),
        *(GITLAB, "gitlab-token", GITLAB),
    ),
    (_digits(11), "its account has 11 digits", "twelve digits", "env-keys", HOST),
    (_digits(13), "its account has 13 digits", "twelve digits", "env-keys", HOST),
    (
        *(HOST.replace("eu-west-1", "eu-wset-1"), "eu-wset-1 is no region"),
        *(HOST, "env-keys", HOST),
    ),
    (
        *(HOST.replace("eu-west-1", "eu-west-9"), "no region eu-west-9"),
        *("eu-west-1", "env-keys", HOST),
    ),
    (HOST.replace(".ecr.", ".erc."), "dkr.erc is no service", HOST, "env-keys", HOST),
):
    situation(BROKEN, _host, _cause, _remedy, slow=_host not in _ALWAYS)(
        _asks_for(_host, _identity, _meant)
    )


# Identities: GitHub.

CLASSIC = "classic token with the scope read:packages"


def _new_token(person: Person) -> None:
    tokens = person.cloud.github.tokens
    person.variables["GH_TOKEN"] = tokens.personal("new", "repo", "read:packages")


@situation(BROKEN, GITHUB, "GH_TOKEN is invalid, expired or revoked", CLASSIC)
def github_token_was_revoked(person: Person) -> Iterator[str]:
    person.be("github-invalid-token")
    person.docker(AUTO)
    yield "a new token is made on the page that is named, and set"
    _new_token(person)


@situation(BROKEN, GITHUB, "GH_TOKEN lacks the scope read:packages", CLASSIC, slow=True)
def github_token_is_too_narrow(person: Person) -> Iterator[str]:
    person.be("github-narrow-token")
    person.docker(AUTO)
    yield "a new token is made on the page that is named, and set"
    _new_token(person)


@situation(BROKEN, GITHUB, "GH_TOKEN is fine-grained", CLASSIC, slow=True)
def github_token_is_fine_grained(person: Person) -> Iterator[str]:
    person.be("github-nobody")
    person.variables["GH_TOKEN"] = "github_pat_x"
    person.docker(AUTO)
    yield "a new token is made on the page that is named, and set"
    _new_token(person)


GH_LOGIN = "auth login --hostname github.com --scopes read:packages"


@situation(ANONYMOUS, GITHUB, "no GitHub identity was found", f"gh {GH_LOGIN}")
def nobody_is_logged_in_to_github(person: Person) -> None:
    person.be("github-nobody")
    person.docker(AUTO)
    person.log_in_with("gh", GH_LOGIN, "github-gh-login")


@situation(
    BROKEN, GITHUB, "lacks the scope read:packages", "gh auth refresh", slow=True
)
def login_of_gh_is_too_narrow(person: Person) -> None:
    person.be("github-nobody")
    person.docker(AUTO)
    narrow = person.cloud.github.tokens.oauth("me", "repo")
    person.write(
        ".config/gh/hosts.yml",
        f"github.com:\n    user: me\n    oauth_token: {narrow}\n",
    )
    person.log_in_with("gh", GH_LOGIN.replace("login", "refresh"), "github-gh-login")


# Identities: Azure and Google.


@situation(ANONYMOUS, AZURE, "no Azure identity was found", "az login")
def nobody_is_logged_in_to_azure(person: Person) -> Iterator[str]:
    person.be("azure-nothing")
    person.docker(AUTO)
    yield "az is installed, and logged in"
    person.be("azure-cli")


@situation(ANONYMOUS, AZURE, "is not logged in", "az login", slow=True)
def login_of_az_has_ended(person: Person) -> None:
    person.be("azure-cli")
    person.docker(AUTO)
    login = person.home / ".azure/sandbox-login.json"
    text = (person.home / "bin/az").read_text()
    away = login.rename(person.home / "login")
    back = shlex.join(["mv", str(away), str(login)])
    person.write(
        "bin/az", text.replace("exec", f'[ "$*" = login ] && exec {back}\nexec'), 0o755
    )


@situation(BROKEN, AZURE, "refuses the client secret", "AZURE_CLIENT_SECRET", slow=True)
def secret_of_azure_is_wrong(person: Person) -> Iterator[str]:
    person.be("azure-client-secret")
    person.docker(AUTO)
    good = person.variables["AZURE_CLIENT_SECRET"]
    person.variables["AZURE_CLIENT_SECRET"] = "wrong"
    yield "a new secret is made, and set"
    person.variables["AZURE_CLIENT_SECRET"] = good


@situation(BROKEN, AZURE, "no such tenant", "AZURE_TENANT_ID", slow=True)
def tenant_of_azure_is_wrong(person: Person) -> Iterator[str]:
    person.be("azure-client-secret")
    person.docker(AUTO)
    good = person.variables["AZURE_TENANT_ID"]
    person.variables["AZURE_TENANT_ID"] = "00000000-0000-0000-0000-000000000001"
    yield "the tenant is looked up, and set"
    person.variables["AZURE_TENANT_ID"] = good


# Identities: Oracle, Alibaba Cloud and GitLab.


@situation(ANONYMOUS, ORACLE, "no Oracle identity was found", "oci setup config")
def nobody_is_set_up_at_oracle(person: Person) -> Iterator[str]:
    person.be("oracle-nobody")
    person.docker(AUTO)
    yield "oci is installed, and has made a key"
    person.be("oracle-api-key")


@situation(BROKEN, ORACLE, "does not accept", "the user's API keys", slow=True)
def key_of_oracle_was_deleted(person: Person) -> Iterator[str]:
    person.be("oracle-api-key")
    person.docker(AUTO)
    config = person.home / ".oci/config"
    good = config.read_text()
    lines = [line for line in good.splitlines() if "fingerprint" not in line]
    config.write_text("\n".join([*lines, f"fingerprint={':'.join(['00'] * 16)}", ""]))
    yield "a new key is made, and written into the file"
    config.write_text(good)


@situation(ANONYMOUS, ALIBABA, "no Alibaba", "aliyun configure")
def nobody_is_set_up_at_alibaba_cloud(person: Person) -> Iterator[str]:
    person.be("alibaba-nobody")
    person.docker(AUTO)
    yield "keys are set"
    person.be("alibaba-env-keys")


@situation(BROKEN, ALIBABA, "the signature wrong", "access key secret", slow=True)
def secret_of_alibaba_cloud_is_wrong(person: Person) -> Iterator[str]:
    person.be("alibaba-env-keys")
    person.docker(AUTO)
    name = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
    good = person.variables[name]
    person.variables[name] = "wrong"
    yield "the secret of that key is set"
    person.variables[name] = good


GLAB_LOGIN = "auth login --hostname gitlab.com"


@situation(ANONYMOUS, GITLAB, "no GitLab identity was found", f"glab {GLAB_LOGIN}")
def nobody_is_logged_in_to_gitlab(person: Person) -> None:
    person.be("gitlab-nobody")
    person.docker(AUTO)
    person.log_in_with("glab", GLAB_LOGIN, "gitlab-glab-token")


@situation(BROKEN, GITLAB, "GITLAB_TOKEN", "read_registry", slow=True)
def token_of_gitlab_is_too_narrow(person: Person) -> Iterator[str]:
    person.be("gitlab-narrow-token")
    person.docker(AUTO)
    yield "a new token is made on the page that is named, and set"
    person.be("gitlab-token")


ADC_LOGIN = "auth application-default login"


@situation(
    ANONYMOUS, GOOGLE, "no Google identity was found", f"gcloud {ADC_LOGIN}", slow=True
)
def nobody_is_logged_in_to_google(person: Person) -> None:
    person.be("google-nobody")
    person.docker(AUTO)
    person.log_in_with("gcloud", ADC_LOGIN, "google-authorized-user")


@situation(
    BROKEN, GOOGLE, "cannot be read", "GOOGLE_APPLICATION_CREDENTIALS", slow=True
)
def google_file_is_not_there(person: Person) -> Iterator[str]:
    person.be("google-service-account")
    person.docker(AUTO)
    name = "GOOGLE_APPLICATION_CREDENTIALS"
    good = person.variables[name]
    person.variables[name] = f"{good}.gone"
    yield "the variable is set to the file's place"
    person.variables[name] = good


# Identities: AWS.


@situation(BROKEN, HOST, "no AWS identity was found", "aws sso login", slow=True)
def nobody_is_logged_in_to_aws(person: Person) -> Iterator[str]:
    person.be("nothing")
    person.docker(ECR)
    yield "keys are set"
    person.be("env-keys")


@situation(
    BROKEN,
    HOST,
    "the AWS SSO login has expired",
    "aws sso login --profile sso",
    slow=True,
)
def sso_login_has_expired(person: Person) -> None:
    person.be("sso")
    person.docker(ECR)
    (token,) = (person.home / ".aws/sso/cache").iterdir()
    good = token.rename(person.home / "token")
    found = json.loads(good.read_text()) | {"expiresAt": "2026-01-01T00:00:00Z"}
    found.pop("refreshToken")
    token.write_text(json.dumps(found))
    back = shlex.join(["cp", str(good), str(token)])
    person.stand_in("aws", "sso login --profile sso", back)


def _failing(person: Person, identity: str, failure: str, act: str) -> Iterator[str]:
    """Let the cloud fail for the identity that docker's helper uses, until the act."""
    person.be(identity)
    person.docker(ECR)
    person.cloud.fail(failure)
    yield act
    person.cloud.recover()


@situation(BROKEN, HOST, "AWS denies sts:AssumeRole", "trust policy", slow=True)
def role_is_denied(person: Person) -> Iterator[str]:
    yield from _failing(
        person, "assume-role", "sts:access-denied", "the role's trust policy allows it"
    )


@situation(
    BROKEN,
    HOST,
    "AWS denies sts:AssumeRoleWithWebIdentity",
    "in the trust policy of arn:",
    slow=True,
)
def role_does_not_trust_the_pod(person: Person) -> Iterator[str]:
    yield from _failing(
        person, "web-identity", "sts:access-denied", "the role's trust policy allows it"
    )


@situation(BROKEN, HOST, "AWS denies ecr:GetAuthorizationToken", "IAM policy")
def ecr_is_denied(person: Person) -> Iterator[str]:
    yield from _failing(person, "env-keys", "ecr:access-denied", "the policy allows it")


@situation(BROKEN, HOST, "this machine's clock is 60 min behind AWS's", "set the clock")
def clock_is_behind(person: Person) -> Iterator[str]:
    yield from _failing(
        person, "env-keys", "ecr:clock-skew", "the clock is set: it agrees with AWS's"
    )


@situation(BROKEN, HOST, "clock is 60 min behind AWS's", "set the clock", slow=True)
def clock_is_behind_for_the_sdk(person: Person) -> Iterator[str]:
    yield from _failing(
        person,
        "shared-credentials",
        "ecr:clock-skew",
        "the clock is set: it agrees with AWS's",
    )


@situation(
    *(BROKEN, HOST, "needs boto3, which is not installed"),
    "venv/bin/python -m pip install 'dockcred[aws]'",
    slow=True,
)
def extra_is_missing(person: Person) -> None:
    person.be("assume-role")
    person.docker(ECR)
    person.install_without("aws", "boto3", "botocore")


@situation(BROKEN, HOST, "AWS finds the signature wrong", "secret access key")
def secret_of_the_keys_is_another(person: Person) -> Iterator[str]:
    person.be("env-keys")
    person.docker(ECR)
    secret = person.variables["AWS_SECRET_ACCESS_KEY"]
    person.variables["AWS_SECRET_ACCESS_KEY"] = secret[::-1]
    yield "the key's own secret is set"
    person.variables["AWS_SECRET_ACCESS_KEY"] = secret


@situation(BROKEN, HOST, "the AWS session has expired", "renew its keys", slow=True)
def session_of_the_keys_is_over(person: Person) -> Iterator[str]:
    yield from _failing(
        person, "env-session", "ecr:expired-token", "the keys are renewed"
    )


@situation(
    BROKEN,
    HOST,
    "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not",
    "set both",
    slow=True,
)
def half_of_the_keys_is_missing(person: Person) -> Iterator[str]:
    person.be("env-keys")
    person.docker(ECR)
    secret = person.variables.pop("AWS_SECRET_ACCESS_KEY")
    yield "both are set"
    person.variables["AWS_SECRET_ACCESS_KEY"] = secret


@situation(BROKEN, HOST, "no token can be read", "is mounted", slow=True)
def token_of_the_pod_is_not_mounted(person: Person) -> Iterator[str]:
    person.be("web-identity")
    person.docker(ECR)
    token = person.home / "token"
    away = token.rename(person.home / "token.away")
    yield "it is mounted"
    away.rename(token)


@situation(BROKEN, HOST, "AWS_PROFILE names it", "export AWS_PROFILE=dev", slow=True)
def profile_of_the_variable_has_a_slip(person: Person) -> None:
    person.be("profile")
    person.docker(ECR)
    person.variables["AWS_PROFILE"] = "deb"


@situation(BROKEN, HOST, "config.toml:3 names it", "sed -i", slow=True)
def profile_in_config_toml_has_a_slip(person: Person) -> None:
    person.be("profile")
    person.docker(ECR)
    del person.variables["AWS_PROFILE"]
    person.toml(f'[[registry]]\nmatch = "{HOST}"\nprofile = "deb"\n')


# config.toml and our own variables.


@situation(BROKEN, HOST, "config.toml:3: there is no setting 'profil'", "sed -i")
def setting_in_config_toml_has_a_slip(person: Person) -> None:
    person.be("shared-credentials")
    person.docker(ECR)
    person.toml(f'[[registry]]\nmatch = "{HOST}"\nprofil = "default"\n')


@situation(BROKEN, HOST, "there is no identity 'odic' to choose", "sed -i")
def identity_in_config_toml_has_a_slip(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.toml('[[registry]]\nmatch = "cr.example"\nidentity = "odic"\n')


@situation(BROKEN, HOST, "others can write it", "chmod go-w")
def config_toml_can_be_written_by_others(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.toml("").chmod(0o666)


@situation(BROKEN, HOST, "cannot be read", "chmod u+r")
def config_toml_is_for_nobody(person: Person) -> None:
    if os.geteuid() == 0:
        _without_roots_rights(person)
    person.be("env-keys")
    person.docker(ECR)
    person.toml("").chmod(0)


@situation(BROKEN, HOST, "which is not there", "unset DOCKCRED_CONFIG")
def variable_names_no_config_toml(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.variables["DOCKCRED_CONFIG"] = str(person.home / "gone.toml")


@situation(BROKEN, HOST, "DOCKCRED_TIMEOUT is not a number", "unset DOCKCRED_TIMEOUT")
def time_limit_is_none(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    person.variables["DOCKCRED_TIMEOUT"] = "soon"


# The network.


@situation(BROKEN, HOST, "was not reached", "HTTPS_PROXY")
def proxy_is_not_there(person: Person) -> Iterator[str]:
    person.be("env-keys")
    person.docker(ECR)
    names = [n for n in person.variables if n.lower() == "https_proxy"]
    good = person.variables[names[0]]
    person.variables |= dict.fromkeys(names, "http://127.0.0.1:1")
    yield "the proxy's right address is set"
    person.variables |= dict.fromkeys(names, good)


@situation(BROKEN, HOST, "refused api.ecr.eu-west-1", "let the proxy pass this host")
def proxy_refuses_the_host(person: Person) -> Iterator[str]:
    yield from _failing(person, "env-keys", "ecr:refuse", "the proxy passes the host")


@situation(BROKEN, HOST, "the certificate of", "SSL_CERT_FILE", slow=True)
def proxy_has_a_root_of_its_own(person: Person) -> Iterator[str]:
    person.be("env-keys")
    person.docker(ECR)
    taken = {n: v for n, v in person.variables.items() if v.endswith("ca.pem")}
    for name in taken:
        del person.variables[name]
    yield "the root is trusted"
    person.variables |= taken


# What works, but is not safe.


@situation(WORKS, HOST, "others can write", "chmod 700")
def cache_can_be_written_by_others(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    cache = person.home / ".cache/dockcred"
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    person.variables["DOCKCRED_CACHE_DIR"] = str(cache)


@situation(WORKS, KEPT, "can be read by others", "chmod 600")
def passwords_can_be_read_by_others(person: Person) -> None:
    person.docker(LOGIN).chmod(0o644)


@situation(WORKS, HOST, "everybody can write", "chmod o-w", slow=True)
def directory_on_path_can_be_written_by_all(person: Person) -> None:
    person.be("env-keys")
    person.docker(ECR)
    (person.home / "bin").chmod(0o777)
