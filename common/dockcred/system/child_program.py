"""Run another program, only with the variables that its kind needs.

CHILDREN has a row for each kind of program. A name that ends in * stands for all names
that begin so, except those of secrets: a secret is passed on only if a row has its full
name. Every program gets HOME and PATH, without the relative parts of PATH. The user
names further variables in DOCKCRED_CHILD_VARIABLES.
"""

from __future__ import annotations

import os

from dockcred import system
from dockcred.errors import IssueError
from dockcred.system import process, spawn
from dockcred.system.environment import OURS, programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

MORE = "DOCKCRED_CHILD_VARIABLES"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"

_PERSON = (
    *("USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "TERM"),
    *("TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"),
    *("XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
    # Without these nothing starts on Windows.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"),
    *("USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
    *("PROGRAMFILES", "HOMEDRIVE", "HOMEPATH"),
)
_NETWORK = (
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"),
    *("all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
)
"""For programs that use the network; the URL of a proxy may hold its password."""
_DESKTOP = (
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"),
    *("SSH_AUTH_SOCK", "GNUPGHOME", "GPG_TTY", "GPG_AGENT_INFO"),
)

_CHOOSE_NOBODY = frozenset(
    {
        *("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "TERM"),
        *("TMPDIR", "TEMP", "TMP", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"),
        *("GPG_TTY", "GPG_AGENT_INFO", "SSH_AUTH_SOCK"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "PROGRAMFILES"),
    }
)
"""Language, temporary directories, and the way to the user. They choose no identity and
differ between terminals, so they are not recorded as read."""

CHILDREN = {
    "az": (
        *_PERSON,
        *_NETWORK,
        *("AZURE_CONFIG_DIR", "AZURE_CLOUD_NAME", "AZURE_EXTENSION_DIR"),
        *("AZURE_CORE_*", "AZURE_LOGGING_*", "AZURE_TENANT_ID"),
    ),
    "azd": (*_PERSON, *_NETWORK, "AZD_*", "AZURE_CONFIG_DIR", "AZURE_TENANT_ID"),
    "pwsh": (*_PERSON, *_NETWORK, "PSMODULEPATH", "PSModulePath", "DOTNET_*"),
    "gcloud": (
        *_PERSON,
        *_NETWORK,
        *("CLOUDSDK_*", "CLOUDSDK_PROXY_USERNAME", "CLOUDSDK_PROXY_PASSWORD"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN",
        *("GCE_METADATA_*", "NO_GCE_CHECK"),
    ),
    "gh": (*_PERSON, *_NETWORK, *_DESKTOP, "GH_CONFIG_DIR"),
    "glab": (*_PERSON, *_NETWORK, *_DESKTOP, "GLAB_CONFIG_DIR"),
    "credential_process": (
        *_PERSON,
        *_NETWORK,
        *_DESKTOP,
        *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
        *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"),
        *("AWS_ENDPOINT_URL*", "AWS_VAULT_*"),
    ),
    "google-executable": (
        *_PERSON,
        *_NETWORK,
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_EXTERNAL_ACCOUNT_*"),
    ),
    "circleci": (*_PERSON, *_NETWORK, "CIRCLECI", "CIRCLE_*"),
    "buildkite-agent": (
        *_PERSON,
        *_NETWORK,
        *("BUILDKITE", "BUILDKITE_JOB_ID", "BUILDKITE_AGENT_*"),
    ),
    "oidc-command": (*_PERSON, *_NETWORK, "DOCKCRED_OIDC_AUDIENCE"),
    # It may be a helper of ours, which needs the same settings as this call.
    "helper": (
        *_PERSON,
        *_NETWORK,
        *programs.PASS,
        *("XAUTHORITY", "DOCKER_CONFIG"),
        *OURS,
        *("DOCKCRED_CONFIG", "DOCKCRED_ROAD"),
        *programs.KEYCHAIN,
    ),
    "pass": programs.PASS,
    # These locate a store and its key, and are no secrets themselves. The user names a
    # session or token that such a program needs in DOCKCRED_CHILD_VARIABLES.
    "secret-command": (
        *_PERSON,
        *_NETWORK,
        *_DESKTOP,
        *programs.PASS,
        *("GOPASS_HOMEDIR", "SOPS_AGE_KEY_FILE", "CREDENTIALS_DIRECTORY"),
        *("VAULT_ADDR", "VAULT_NAMESPACE", "VAULT_CACERT", "VAULT_CAPATH"),
        *("BAO_ADDR", "BAO_NAMESPACE", "BAO_CACERT", "BAO_CAPATH"),
        *("OP_ACCOUNT", "BITWARDENCLI_APPDATA_DIR"),
        *("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"),
        *("AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AZURE_CONFIG_DIR"),
        *("CLOUDSDK_CONFIG", "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_PROJECT"),
    ),
    "refresh-command": (*_PERSON, *_NETWORK),
}
"""By kind of program: the names of the variables that it gets."""

_PLACES = frozenset(
    {
        *("HOME", "TMPDIR", "XAUTHORITY", "SSH_AUTH_SOCK", "CREDENTIALS_DIRECTORY"),
        *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
        *("XDG_RUNTIME_DIR", "GNUPGHOME", "PASSWORD_STORE_DIR", "DOCKER_CONFIG"),
        *("AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR", "AZD_CONFIG_DIR", "GH_CONFIG_DIR"),
        "GLAB_CONFIG_DIR",
        *("CLOUDSDK_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "AWS_CONFIG_FILE"),
        *("AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"),
        *("SOPS_AGE_KEY_FILE", "GOPASS_HOMEDIR", "BITWARDENCLI_APPDATA_DIR"),
        *("VAULT_CACERT", "BAO_CACERT"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("DOCKCRED_CONFIG", "DOCKCRED_VAULT_FILE", "DOCKCRED_VAULT_KEY_FILE"),
        "DOCKCRED_VAULT_PASSPHRASE_FILE",
    }
)
"""Variables with one path, which is made absolute: a program starts in /."""


def variables_for(kind: str, environment: Environment) -> dict[str, str]:
    """Return the variables for a kind of program, without empty ones."""
    more = environment.get(MORE).replace(",", " ").split()
    silent = environment.with_own_record()
    found = {"HOME": environment.home(), "PATH": search_path(environment)}
    for name in CHILDREN[kind]:
        if name.endswith("*"):
            family = environment.beginning(name[:-1])
            from dockcred.system.environment import meanings  # noqa: PLC0415 - not for pass

            found |= {n: family[n] for n in family if n not in meanings.SECRETS}
        else:
            asked = silent if name in _CHOOSE_NOBODY else environment
            found[name] = asked.get(name)
    for name in more:
        found |= (
            environment.beginning(name[:-1])
            if name.endswith("*")
            else {name: environment.get(name)}
        )
    for name in _PLACES.intersection(found):
        found[name] = absolute(found[name])
    return {name: value for name, value in found.items() if value}


def absolute(path: str) -> str:
    """Return a path made absolute from our working directory; one below ~ unchanged."""
    if not path or path[0] in "/~" or os.path.isabs(path):
        return path
    return os.path.join(os.getcwd(), path)


def search_path(environment: Environment) -> str:
    """Return PATH without relative parts, which depend on the working directory."""
    parts = environment.get("PATH", SYSTEM_PATH).split(os.pathsep)
    return os.pathsep.join(filter(os.path.isabs, parts))


_WRITABLE_BY_ALL = 0o002
_UNBOUNDED_S, _LAST_WORDS_S = 60.0, 1.0


def patience_s() -> float:
    """Return how many seconds to wait for a program: what is left of the call's time.

    One second less, to report the cause in; 60 seconds if the call has no limit.
    """
    left = process.remaining_s()
    return _UNBOUNDED_S if left == float("inf") else max(0.5, left - _LAST_WORDS_S)


class Outcome:
    """A program's exit status, stdout and stderr; the texts must not be shown.

    Each text is cut to spawn.MAX_OUTPUT_BYTES.
    """

    __slots__ = ("errors", "output", "status")

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        """Decode both texts as UTF-8."""
        self.status = status
        self.output = output.decode("utf-8", "replace")
        self.errors = errors.decode("utf-8", "replace")


def find(name: str, environment: Environment) -> str:
    """Return a program's absolute path; "" if no trusted directory on PATH has it.

    Directories that everybody can write are skipped: a program that anyone put there
    would be asked for the credential (CVE-2019-15752).
    """
    for directory in search_path(environment).split(os.pathsep):
        for path in (f"{directory}{os.sep}{each}" for each in file_names(name)):
            if not os.access(path, os.X_OK) or not os.path.isfile(path):
                continue
            if not system.stat(directory).st_mode & _WRITABLE_BY_ALL:
                return path
    return ""


def file_names(program: str) -> list[str]:
    """Return the names that a program's file may have, in the order of search."""
    if program.endswith(system.EXECUTABLE):
        return [program]
    return [f"{program}{ending}" for ending in system.EXECUTABLE]


def refusal(name: str, environment: Environment) -> tuple[str, str] | None:
    """Return cause and remedy, if `find` does not accept a program that is on PATH.

    None if PATH has no such program at all. Call it only after `find` has found none.
    """
    for directory in search_path(environment).split(os.pathsep):
        files = (f"{directory}{os.sep}{each}" for each in file_names(name))
        path = next(filter(os.path.isfile, files), "")
        if not path:
            continue
        if not os.access(path, os.X_OK):
            return f"{path} may not be executed", f"run 'chmod +x {path}'"
        remedy = (
            f"run 'chmod o-w {directory}', for drives of Windows set umask=22 in WSL's "
            f"/etc/wsl.conf, or put {name} in a directory of your own on PATH"
        )
        return f"{path} is not run, because everybody can write its directory", remedy
    return None


def run(
    command: list[str],
    environment: Environment,
    *,
    kind: str,
    timeout_s: float = 0.0,
    variables: dict[str, str] | None = None,
    text: bytes = b"",
) -> Outcome:
    """Run a program with the variables of its kind, and with further `variables`.

    Without `timeout_s` the limit is `patience_s`. Raises IssueError as `ask` does.
    """
    passed = variables_for(kind, environment) | (variables or {})
    return ask(command, passed, timeout_s=timeout_s or patience_s(), text=text)


def ask(
    command: list[str],
    variables: dict[str, str],
    *,
    timeout_s: float,
    text: bytes = b"",
    asks_person: bytes = b"",
) -> Outcome:
    """Run a program with these variables and a text on its stdin.

    If `asks_person` is in its stderr, a person gets time to type. Raises IssueError if
    it does not start, or takes longer than `timeout_s` seconds.
    """
    name = os.path.basename(command[0])
    process.set_activity(f"waiting for {name}")
    try:
        return Outcome(*spawn.run(command, variables, timeout_s, text, asks_person))
    except TimeoutError:
        raise IssueError(
            f"{name} did not answer within {timeout_s:.2g} s",
            f"run {name} by hand to see what it waits for, such as a passphrase, "
            "or raise DOCKCRED_TIMEOUT",
        ) from None
    except OSError as error:
        raise IssueError(
            f"{name} could not be started ({error.strerror})", f"see {command[0]}"
        ) from None
