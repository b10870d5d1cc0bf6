"""The SDK road: Alibaba's library alibabacloud-credentials gets a profile's keys."""

from __future__ import annotations

import importlib
import logging
import re

from dockcred.errors import IssueError, MissingExtraError, TransportError
from dockcred.providers.alibaba import problems
from dockcred.providers.alibaba.api import AlibabaKeys
from dockcred.system import child_program, process
from dockcred.system.environment import adopt, become
from dockcred.transport import trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.providers.alibaba.profiles import Profile
    from dockcred.system.environment import Environment

_CODE = re.compile(r'"Code"\s*:\s*"([A-Za-z0-9._-]{1,80})"')
_STATUS = re.compile(r"http_code[:=] ?(\d{3})")
_NOT_MADE = (
    "see the profile's settings in {file}, or run: aliyun configure --profile {name}"
)


def keys(profile: Profile, environment: Environment) -> AlibabaKeys:
    """Return the keys of a profile; raise IssueError where the library gets none."""
    process.set_activity("resolving a profile through alibabacloud-credentials")
    become(environment)
    # The library uses plain http only for the machine's metadata address, which is not
    # behind a proxy.
    adopt({"HTTP_PROXY": "", "http_proxy": ""})
    provider = _load(profile, environment)
    try:
        found = provider.get_credentials()
    except Exception as error:  # noqa: BLE001 - the library may raise anything
        raise _meaning(error, profile) from None
    return AlibabaKeys(
        found.get_access_key_id(),
        found.get_access_key_secret(),
        found.get_security_token() or "",
    )


def _load(profile: Profile, environment: Environment) -> Any:
    """Return the library's own provider for the profile's file."""
    try:
        # The library reads the variables when it is imported.
        from alibabacloud_credentials.provider import (  # noqa: PLC0415
            CLIProfileCredentialsProvider,
            ProfileCredentialsProvider,
            external,
        )
        from alibabacloud_credentials.utils import (  # noqa: PLC0415
            auth_constant,
            auth_util,
        )
        from Tea.core import TeaCore  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(
            "this Alibaba Cloud profile needs alibabacloud-credentials, which is not"
            " installed",
            "run: pip install 'dockcred[alibaba]'",
        ) from None
    importlib.reload(auth_util)
    importlib.reload(auth_constant)
    for name in ("credentials", "alibabacloud-tea"):
        # These loggers write to stderr, which belongs to the client, and show what was
        # signed.
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
    external.subprocess = _Programs(environment)
    # Behind a proxy the library would trust only certifi's certificates.
    roots = {"ca": trust.bundle(environment, ())}
    theirs = TeaCore.do_action

    def do_action(request: Any, options: Any = None) -> Any:
        return theirs(request, {**(options or {}), **roots})

    TeaCore.do_action = do_action
    kind = (
        CLIProfileCredentialsProvider
        if profile.is_of_cli
        else ProfileCredentialsProvider
    )
    return kind(profile_name=profile.name, profile_file=profile.file)


class _Programs:
    """Replaces `subprocess` in the library: programs that it starts get no secret."""

    def __init__(self, environment: Environment) -> None:
        import subprocess  # noqa: PLC0415 - for profiles only

        self.PIPE, self.TimeoutExpired = subprocess.PIPE, subprocess.TimeoutExpired
        self._run, self._stdin = subprocess.run, subprocess.DEVNULL
        self._environment = environment

    def run(self, command: Any, **more: Any) -> Any:
        """Run a profile's process_command, with the variables it may see.

        The list of these variables is read only here, when a program is really run.
        """
        given = child_program.variables_for("credential_process", self._environment)
        run: Any = self._run
        return run(command, **more, env=given, stdin=self._stdin)


def _meaning(error: Exception, profile: Profile) -> IssueError:
    """Return the error; the library's own text is not shown, it may hold a secret."""
    text = str(error)
    code, status = _CODE.search(text), _STATUS.search(text)
    if code or status:
        action = "AssumeRoleWithOIDC" if profile.token_file else "AssumeRole"
        return problems.meaning(
            code[1] if code else "",
            "",
            f"sts:{action}",
            int(status[1]) if status else 0,
        )
    if type(error).__name__ == "RetryError":
        return TransportError(
            f"STS of Alibaba Cloud was not reached for the profile {profile.name}",
            "see the network, the proxy and its certificates (SSL_CERT_FILE)",
        )
    return IssueError(
        f"alibabacloud-credentials has no keys of the profile {profile.name} "
        f"({type(error).__name__})",
        _NOT_MADE.format(file=profile.file, name=profile.name),
    )
