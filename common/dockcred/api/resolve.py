"""The public Python API: a registry's credential, for programs that embed dockcred.

    from dockcred import Policy, resolve
    from dockcred.errors import CredentialsNotFoundError, DockcredError

    try:
        credential = resolve("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    except CredentialsNotFoundError:
        ...  # nobody has one: go on anonymously
    except DockcredError as error:
        print(error.cause, error.remedy)

It can be embedded: it may be called from many threads, writes nothing to stdout or
stderr, never ends the process, and leaves the caller's variables, signals and umask
as they are. A credential in dockcred's cache is returned by the caller's process, in
about a millisecond. Any other is minted in a child process of ours. When the time is
over, the child is ended with all of its own children.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dockcred.api import sources
from dockcred.clients.reference import Reference
from dockcred.credential import Credential
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingIdentityError,
    TimedOutError,
)
from dockcred.identity.misspelt import misspelt
from dockcred.system.environment import Environment, current
from dockcred.system.environment import timeout_s as default_timeout_s

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("Credential", "Policy", "resolve")


@dataclass(frozen=True, slots=True)
class Policy:
    """Which sources to ask, in which order, and what a failure means.

    order       names of sources, asked until one has a credential; the default is
                that of docker-credential-auto: the clouds, and then the keychain:
                "identities"   the cloud that serves the registry, see config.toml
                "keychain"     the OS keychain, `pass` or vault that is configured
                "ecr", …       that identity system alone, as config.toml calls it
                "pass", …      that keychain alone, as DOCKCRED_STORE calls it
                "docker"       what docker's config.json names, as docker reads it
                "containers"   what podman's and skopeo's files name
                "helper:NAME"  the program docker-credential-NAME on PATH
    on_failure  "stop" raises the error of a source that is configured and fails;
                "next" asks the next one, and raises the first error only if no
                source has a credential
    cache       whether dockcred's cache may answer and be written
    """

    order: tuple[str, ...] = ("identities", "keychain")
    on_failure: Literal["stop", "next"] = "stop"
    cache: bool = True


def resolve(
    server: str,
    *,
    policy: Policy | None = None,
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Credential:
    """Return the credential for a registry.

    `server` is a registry in any form that clients use: host, host:port, a URL, or an
    image's name. `timeout_s` bounds the whole call in seconds (default:
    DOCKCRED_TIMEOUT, else 8), and half a second more for ending what was started.
    `environment` stands for the process's variables.

    Raises, all of them a DockcredError:
    CredentialsNotFoundError  no source has one: the registry may be asked anonymously;
                              if an identity that opens no registry is the reason, its
                              error is the `__cause__`
    MissingIdentityError      the registry is a cloud's, and no identity is configured
    IssueError                an identity was asked and yielded nothing
    TransportError            an IssueError: the other end could not be reached
    TimedOutError             an IssueError: the time ran out
    MissingExtraError         a library is missing that the identity needs
    InvalidInputError         the server, the policy or a configuration file is wrong
    """
    chosen = policy or Policy()
    variables = current() if environment is None else Environment(environment)
    if not chosen.cache:
        variables = variables.with_values({"DOCKCRED_CACHE": "off"})
    seconds = default_timeout_s(variables) if timeout_s is None else timeout_s
    if not 0 < seconds < float("inf"):
        raise InvalidInputError("timeout_s is not above zero", "give some seconds")
    deadline = time.monotonic() + seconds
    found = [sources.named(name, variables) for name in chosen.order]
    asked = list(dict.fromkeys(found))
    reference = Reference(server)
    first: DockcredError | None = None
    why: BaseException | None = None
    for ask in asked:
        if time.monotonic() >= deadline:
            raise first or TimedOutError(
                f"gave up after {seconds:g} s", "raise timeout_s"
            )
        try:
            return ask(reference, variables, deadline)
        except CredentialsNotFoundError as error:
            why = why or error.__cause__
        except MissingIdentityError as error:
            first = first or error
        except DockcredError as error:
            if chosen.on_failure == "stop":
                raise
            first = first or error
    raise first or CredentialsNotFoundError from why


def unanswered(
    registry: str, not_found: CredentialsNotFoundError
) -> MissingIdentityError:
    """Return an error that tells a person why no source has a credential.

    The cause may be an identity that opens no registry, or a misspelt host.
    """
    why = not_found.__cause__
    if isinstance(why, (MissingIdentityError, IssueError)) and why.remedy:
        return MissingIdentityError(why.cause, why.remedy)
    cause, remedy = misspelt(Reference(registry).server.host)
    return MissingIdentityError(
        cause or f"no identity answers for {registry}",
        remedy or f"see: dockcred doctor {registry}",
    )
