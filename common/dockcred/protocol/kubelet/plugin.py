"""Answer one call of kubelet: find the image's registry, return the credential."""

from __future__ import annotations

import os
import time

from dockcred.clients.reference import HUB
from dockcred.credential import Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.protocol.kubelet import drop_in, service_account, wire
from dockcred.protocol.kubelet.service_account import BoundProvider, ServiceAccount
from dockcred.protocol.kubelet.wire import cache_duration
from dockcred.system import log, process
from dockcred.system.machine import RUN_DIRECTORY, is_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.identity.config import Config
    from dockcred.identity.provider import Provider
    from dockcred.identity.router import Router
    from dockcred.system.environment import Environment

    Load = Callable[[str], Provider]

    OpenRouter = Callable[[Environment, Load], Router]

    OpenConfig = Callable[[Environment], Config]


class Image:
    """An image without tag and digest, as kubelet sends it.

    `registry` is the host[:port] just as it is written: kubelet compares the keys of
    our answer with it, and a key without a port matches no image with one.
    """

    __slots__ = ("registry", "server")

    def __init__(self, text: str) -> None:
        """Split the name; raise InvalidInputError for what names no registry."""
        name = _without_tag(text)
        registry = name.partition("/")[0]
        if "://" in text or not name:
            raise InvalidInputError(
                "the image of the request is refused: it is no image's name",
                "kubelet sends registry/path, without a scheme",
            )
        if "/" not in name or not (
            set(registry) & set(".:") or registry == "localhost"
        ):
            registry, name = HUB, f"{HUB}/{name}"
        self.registry = registry
        self.server = ServerURL.parse(name)


def _without_tag(text: str) -> str:
    """Return a name without :tag and @digest: kubelet sends neither, others may."""
    name = text.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}" if slash else name


def node_environment(environment: Environment) -> Environment:
    """Return the environment with the plugin's own home, where it runs as root.

    The plugin belongs to the node: no user's files choose its identity, and it leaves
    no files in a user's home.
    """
    if not is_root():
        return environment
    return environment.with_values(
        {
            "HOME": RUN_DIRECTORY,
            "XDG_CACHE_HOME": os.path.dirname(RUN_DIRECTORY),
            "XDG_CONFIG_HOME": "",
            "XDG_DATA_HOME": "",
        }
    )


class RoutingPlugin:
    """The plugin; it uses the same routing table as the helpers."""

    def __init__(
        self,
        environment: Environment,
        load: Load,
        open_router: OpenRouter,
        open_config: OpenConfig,
    ) -> None:
        """Hold the routing table's parts; nothing is read yet."""
        self._environment = node_environment(environment)
        self._load = load
        self._open_router = open_router
        self._open_config = open_config

    def answer(self, arguments: list[str], text: bytes) -> bytes:
        """Return the response to a request; raise DockcredError if an identity fails.

        For a registry that nobody serves, the response is empty and is not cached.
        """
        process.takes_turns = True
        options = drop_in.parse(arguments)
        asked = wire.parse(text)
        image = Image(asked.image)
        environment = self._environment.with_values(options.variables)
        config = self._open_config(environment)
        server = _behind(image, options.mirrors)
        account = None
        if asked.token:
            account = ServiceAccount(asked.token, asked.annotations)
        try:
            credential = self._credential(server, environment, config, account)
        except CredentialsNotFoundError:
            log.info(f"no credential for {image.registry}")
            if process.meter:
                process.meter.missed = True
            return wire.nothing(asked.api_version)
        # If config.toml has an entry for a path, the registry's other images may have
        # another identity: kubelet must not answer them from its cache.
        by_path = config.has_path_at(server)
        pattern = image.registry + config.path_for(server)
        return wire.encode(
            asked.api_version,
            wire.IMAGE if by_path else wire.REGISTRY,
            cache_duration(credential.expires_at, time.time()),
            {pattern: credential},
        )

    def _credential(
        self,
        server: ServerURL,
        environment: Environment,
        config: Config,
        account: ServiceAccount | None,
    ) -> Credential:
        settings = config.settings_for(server)
        asked = _under(settings, environment)
        if not any(map(asked.get, _TOKENS)):
            pods = {service_account.SOURCE: service_account.FROM_KUBELET}
            environment, asked = environment.with_values(pods), asked.with_values(pods)
        load = self._load
        if account:
            user = settings.get("token_username")
            if user and not asked.get(_EXCHANGE) and "identity" not in settings:
                account.check_audience(settings.get("token_audience", ""))
                return Credential(user, account.token, 0.0, account.expires_at)
            environment = environment.with_values({service_account.KEY: account.key})
            load = _as_account(load, account, asked)
        try:
            found = self._open_router(environment, load).get(server)
        except CredentialsNotFoundError:
            if account and "exchange" in settings and "identity" not in settings:
                raise InvalidInputError(
                    f"an exchange is named for {server.host}, and nobody who asks it",
                    'write identity = "oidc" at the registry in config.toml',
                ) from None
            raise
        if not found.username and not found.secret:
            raise CredentialsNotFoundError
        return found


_EXCHANGE = "DOCKCRED_OIDC_EXCHANGE"
_TOKENS = (
    service_account.SOURCE,
    "DOCKCRED_OIDC_TOKEN_FILE",
    "DOCKCRED_OIDC_TOKEN_VARIABLE",
    "DOCKCRED_OIDC_TOKEN_COMMAND",
)
"""Each names another token to use than the one that kubelet sends."""


def _under(settings: dict[str, str], environment: Environment) -> Environment:
    """Return the environment with an entry's settings, as the router will use it."""
    if not settings:
        return environment
    from dockcred.identity.config.settings import overlay  # noqa: PLC0415 - a file's cost

    return environment.with_values(overlay(settings))


def _as_account(load: Load, account: ServiceAccount, environment: Environment) -> Load:
    """Return a loader whose providers ask as the account, if its annotations say so."""

    def bound(name: str, *chosen: str) -> Provider:
        provider = load(name, *chosen)
        variables, role = account.variables(name, environment)
        if not variables:
            return provider
        return BoundProvider(provider, account, variables, role)

    return bound


def _behind(image: Image, mirrors: dict[str, str]) -> ServerURL:
    """Return the registry whose credential to use: behind a mirror, its target."""
    if mirror := mirrors.get(image.registry):
        return ServerURL.parse(mirror + image.server.path)
    return image.server
