"""One call of kubelet's: from the bytes of the request to those of the response."""

from __future__ import annotations

import os
import time

from dockcred import log
from dockcred.cache.directory import RUN_DIRECTORY
from dockcred.credential import Credential
from dockcred.errors import CredentialsNotFoundError
from dockcred.kubelet import drop_in, request, response, service_account
from dockcred.kubelet.bound import BoundProvider
from dockcred.kubelet.durations import cache_duration
from dockcred.kubelet.image import Image
from dockcred.kubelet.service_account import ServiceAccount
from dockcred.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.config.compiled import Config
    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.router import Router

    Load = Callable[[str], Provider]
    OpenRouter = Callable[[Environment, Load], Router]
    OpenConfig = Callable[[Environment], Config]


def at_home_on_the_node(environment: Environment) -> Environment:
    """Answer the environment with the plugin's own home, where it runs as root.

    Kubelet's plugin is the node's: no person's files have a say in who it is, and
    none of its own are left in a home.
    """
    if os.geteuid() != 0:
        return environment
    return environment.with_values(
        {
            "HOME": RUN_DIRECTORY,
            "XDG_CACHE_HOME": os.path.dirname(RUN_DIRECTORY),
            "XDG_CONFIG_HOME": "",
            "XDG_DATA_HOME": "",
        }
    )


class Plugin:
    """The plugin over the routing table that the helpers have."""

    def __init__(
        self,
        environment: Environment,
        load: Load,
        open_router: OpenRouter,
        open_config: OpenConfig,
    ) -> None:
        """Take the routing table's parts; nothing is read yet."""
        self._environment = at_home_on_the_node(environment)
        self._load = load
        self._open_router = open_router
        self._open_config = open_config

    def answer(self, arguments: list[str], text: bytes) -> bytes:
        """Answer a request; raise DockcredError where an identity fails.

        A registry that is nobody's gets an empty answer that is not kept.
        """
        options = drop_in.parse(arguments)
        asked = request.parse(text)
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
            return response.nothing(asked.api_version)
        # Kubelet would answer other images of the registry from its cache, which a
        # path may give to another identity.
        by_path = config.has_path_at(server)
        pattern = image.registry + config.path_for(server)
        return response.encode(
            asked.api_version,
            response.IMAGE if by_path else response.REGISTRY,
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
        user = config.settings_for(server).get("token_username")
        if account and user:
            return Credential(user, account.token, 0.0, account.expires_at)
        load = self._load
        if account:
            environment = environment.with_values({service_account.KEY: account.key})
            load = _as_account(load, account, environment)
        found = self._open_router(environment, load).get(server)
        if not found.username and not found.secret:
            raise CredentialsNotFoundError
        return found


def _as_account(load: Load, account: ServiceAccount, environment: Environment) -> Load:
    """Answer providers that ask as the account, where a role is noted on it."""

    def bound(name: str, *chosen: str) -> Provider:
        provider = load(name, *chosen)
        variables = account.variables(name, environment)
        return BoundProvider(provider, account, variables) if variables else provider

    return bound


def _behind(image: Image, mirrors: dict[str, str]) -> ServerURL:
    """Answer the registry whose credential opens the image's."""
    if mirror := mirrors.get(image.registry):
        return ServerURL.parse(mirror + image.server.path)
    return image.server
