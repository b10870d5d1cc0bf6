"""A token that is there already: in a file, or in a variable of the job."""

from __future__ import annotations

import os

from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken

_FILE, _VARIABLE = "DOCKCRED_OIDC_TOKEN_FILE", "DOCKCRED_OIDC_TOKEN_VARIABLE"


class File(Source):
    """A file that somebody keeps fresh, such as Kubernetes' projected token.

    Its issuer and subject are conditions of what is kept.
    """

    name = "oidc:file"

    def __init__(self, environment: Environment) -> None:
        """Note the file, which is not read yet; InvalidInputError where it is none."""
        super().__init__(environment)
        self._path = environment.get(_FILE)
        if not self._path.startswith("/"):
            raise InvalidInputError(
                f"{_FILE} is not an absolute path",
                "name the file by its path from the root",
            )
        # A pipe without a writer would be waited for.
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise InvalidInputError(
                f"{_FILE} names {self._path}, which is no file", "name the token's file"
            )
        self.tokens = (self._path,)

    def token(self) -> IDToken:
        """Read the file."""
        try:
            with open(self._path, encoding="ascii") as file:
                text = file.read(id_token.MAX_BYTES + 1)
        except (OSError, ValueError):
            raise IssueError(
                f"{_FILE} names {self._path}, where no token can be read",
                "see that the file is mounted and readable by this user",
            ) from None
        origin = f"the token in {self._path}"
        return id_token.checked(text, self._environment, origin)


class Variable(Source):
    """A variable that the CI system sets; it does not say whose job this is."""

    name = "oidc:variable"

    def token(self) -> IDToken:
        """Take the variable's value."""
        name = self._environment.get(_VARIABLE)
        if not name:
            raise InvalidInputError(f"{_VARIABLE} is not set", "name the variable")
        value = self._environment.get(name)
        if not value:
            raise self._missing(name)
        return id_token.checked(value, self._environment, f"the token in {name}")

    def _missing(self, name: str) -> MissingIdentityError:
        return MissingIdentityError(
            f"{_VARIABLE} names {name}, which is not set",
            "see that the job has its token there",
        )


class GitLab(Variable):
    """A GitLab job's token: `id_tokens` puts it into a variable of any name.

    docs.gitlab.com, "OpenID Connect (OIDC) Authentication Using ID Tokens". Without
    a name it is that of sigstore's clients: the audience, then _ID_TOKEN.
    """

    def __init__(self, environment: Environment) -> None:
        """Find the variable's name; the job's number is in the key."""
        named = environment.get(_VARIABLE) or _conventional(environment)
        super().__init__(environment.with_values({_VARIABLE: named}))
        self.name = "oidc:gitlab" if environment.get("CI_JOB_ID") else Variable.name

    def _missing(self, name: str) -> MissingIdentityError:
        wanted = id_token.audience(self._environment)
        return MissingIdentityError(
            f"this GitLab job has no ID token in {name}",
            f"add to the job: id_tokens: {{{name}: {{aud: {wanted}}}}}",
        )


def _conventional(environment: Environment) -> str:
    text = id_token.audience(environment).upper()
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in text)
    start = "_" if plain[0].isdigit() else plain[0]
    return f"{start}{plain[1:]}_ID_TOKEN"
