"""One place where a job's token comes from."""

from __future__ import annotations

from dockcred.errors import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.transport.response import Response


def text_in(answer: Response, field: str, name: str, whose: str) -> str:
    """Read a token out of an answer; `name` is who sent it, as `whose` does."""
    try:
        return str(answer.json()[field])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise TransportError(
            f"{name} did not answer as {whose} does",
            "see what listens there: a proxy, or another service",
        ) from None


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
