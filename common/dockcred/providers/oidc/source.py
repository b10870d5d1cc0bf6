"""One place where a job's token comes from."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken


class Source:
    """See identity.Identity for `tokens`; `name` is the row in SOURCES.

    A name without a row says that nothing tells whose job this is: what is got for
    its token is not kept.
    """

    name = ""
    tokens: tuple[str, ...] = ()

    def __init__(self, environment: Environment) -> None:
        """Hold the variables; nothing is asked yet."""
        self._environment = environment

    def token(self) -> IDToken:
        """Fetch or mint the token."""
        raise NotImplementedError

    def who(self) -> str:
        """Ask the source who it is; nothing where the key or a condition tells."""
        return ""
