"""A GitHub App's assertion: a JWT signed with its private key.

docs.github.com/apps, "Generating a JSON Web Token for a GitHub App": ten minutes at
most, and issued a minute ago in case the clocks differ.
"""

from __future__ import annotations

import time

from dockcred.errors import IssueError, MissingExtraError

try:
    import jwt
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
except ImportError:
    raise MissingExtraError(
        "a GitHub App needs PyJWT, which is not installed",
        "run: pip install 'dockcred[github]'",
    ) from None

_LIFE_S, _SKEW_S = 540, 60
_MAX_BYTES = 64 * 1024


def assertion(app: str, key_file: str) -> str:
    """Sign as the App; IssueError where the file holds no key."""
    now = int(time.time())
    claims = {"iat": now - _SKEW_S, "exp": now + _LIFE_S, "iss": app}
    try:
        with open(key_file, "rb") as file:
            key = load_pem_private_key(file.read(_MAX_BYTES), None)
        return jwt.encode(claims, key, algorithm="RS256")  # type: ignore[arg-type]
    except OSError as error:
        reason = str(error.strerror)
    except (ValueError, TypeError, jwt.PyJWTError):
        reason = "it is no RSA key in PEM"
    raise IssueError(
        f"the GitHub App's key {key_file} cannot be used: {reason}",
        "see GITHUB_APP_PRIVATE_KEY_FILE",
    )
