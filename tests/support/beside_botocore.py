"""Ask our own ECR code and botocore, in this process and under the same variables."""

from __future__ import annotations

import os

import botocore.session
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, MissingIdentityError
from dockcred.providers.ecr import ECR
from dockcred.providers.ecr.hosts import registry_of
from dockcred.system.environment import Environment
from support.aws_wire import Wire
from support.differential import meant
from support.program import HOST

FIPS = HOST.replace(".ecr.", ".ecr-fips.")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAVARIABLE", "AWS_SECRET_ACCESS_KEY": "s"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:7/keys"}
ANSWERED, FAILED, NOBODY = "answered", "an error", "nobody to be"


def ours(wire: Wire, variables: dict[str, str], host: str) -> str:
    """Ask for a host as `get` does without a cache; return how it ended."""
    wire.asked.clear()
    try:
        environment = Environment(variables)
        ECR().identity(ServerURL.parse(host), environment).issue()
    except MissingIdentityError:
        return NOBODY
    except DockcredError:
        return FAILED
    return ANSWERED


def _once(session: botocore.session.Session) -> dict[str, int]:
    """Return botocore's retry settings: one attempt, unless a number is set."""
    said = "AWS_MAX_ATTEMPTS" in os.environ
    said = said or "max_attempts" in session.get_scoped_config()
    return {} if said else {"total_max_attempts": 1}


class Theirs:
    """botocore under the same variables, without those that differ on purpose.

    `meant` names these differences: rows of docs/differences.md.
    """

    def __init__(self, variables: dict[str, str], host: str) -> None:
        registry = registry_of(host)
        assert registry
        self._registry = registry
        self.variables = {n: v for n, v in variables.items() if v}
        self._named = self.variables.pop("DOCKCRED_AWS_PROFILE", None)
        self.variables.pop("DOCKCRED_ROAD", None)
        self.meant: list[str] = []
        self.error: Exception | None = None

    def leave_out_what_differs(self, variables: dict[str, str]) -> None:
        """Remove what botocore reads differently on purpose; note each in `meant`."""
        if "" in variables.values():
            self.meant.append(meant("empty-is-not-set"))
        both = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}
        if both <= self.variables.keys() and not self._named:
            del self.variables["AWS_DEFAULT_PROFILE"]
            self.meant.append(meant("aws-profile-first"))
        if {"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"} <= self.variables.keys():
            del self.variables["AWS_SECURITY_TOKEN"]
            self.meant.append(meant("session-token-first"))
        self.variables["AWS_EC2_METADATA_V1_DISABLED"] = "true"
        self.variables["AWS_DEFAULT_REGION"] = self._registry.region

    def ask(self, wire: Wire, *, sts_of_the_hosts_kind: bool = True) -> str:
        """Ask; return how it ended."""
        wire.asked.clear()
        os.environ.clear()
        os.environ.update(self.variables)
        try:
            self._ask(sts_of_the_hosts_kind)
        except NoCredentialsError:
            return NOBODY
        except Exception as error:  # noqa: BLE001 - whatever it is, it has failed
            self.error = error
            return FAILED
        return ANSWERED

    def _ask(self, sts_of_the_hosts_kind: bool) -> None:
        registry = self._registry
        session = botocore.session.Session(profile=self._named)
        resolver = session.get_component("credential_provider")
        for method in ("ec2-credentials-file", "boto-config"):
            resolver.remove(method)
        kinds = {
            "use_fips_endpoint": registry.fips,
            "use_dualstack_endpoint": registry.dual_stack,
        }
        chosen = {name: True for name, is_on in kinds.items() if is_on}
        for name in chosen if sts_of_the_hosts_kind else ():
            session.set_config_variable(name, True)
        client = session.create_client(
            "ecr-public" if registry.is_public else "ecr",
            region_name=registry.region,
            config=Config(retries=_once(session), **chosen),
        )
        account = registry.account
        client.get_authorization_token(
            **({"registryIds": [account]} if account else {})
        )
