"""What AWS's error codes and botocore's exceptions mean."""

from __future__ import annotations

from contextlib import contextmanager

from botocore import exceptions as theirs
from botocore.parsers import ResponseParserError

from dockcred.errors import (
    IssueError,
    MissingExtraError,
    MissingIdentityError,
    RefusedError,
    TransportError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
    }
)

_ACCESS = "allow it in the identity's IAM policy"
_CLOCK = ("this machine's clock differs from AWS's", "set the clock (NTP)")
_KEYS = (
    "AWS does not know these access keys",
    "see that the keys are whole, active and of this partition",
)
_MEANINGS = {
    "InvalidSignatureException": _CLOCK,
    "SignatureDoesNotMatch": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "UnrecognizedClientException": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "AuthFailure": _KEYS,
    "ExpiredToken": ("the AWS session has expired", "log in anew or renew its keys"),
    "InvalidIdentityToken": (
        "AWS does not accept the web identity token",
        "see the OIDC provider in IAM and the token's audience sts.amazonaws.com",
    ),
    "IDPCommunicationError": (
        "AWS could not reach the issuer of the web identity token",
        "try again; then see the issuer's discovery document",
    ),
    "InvalidParameterException": (
        "AWS does not accept the registry's account id",
        "see the account in the registry's host name",
    ),
    "OptInRequired": (
        "the account is not open to this region",
        "enable the region for the account",
    ),
}


def meaning(code: str, message: str, operation: str) -> IssueError:
    """Turn an error code of an operation into a cause with a remedy."""
    code = code.rpartition("#")[2]
    if code.startswith("AccessDenied"):
        who = f" for {arn}" if (arn := _arn_in(message)) else ""
        needed = operation
        if operation.startswith("ecr-public:"):
            needed += " and sts:GetServiceBearerToken"
        return RefusedError(f"AWS denies {needed}{who}", _ACCESS)
    if code in THROTTLED:
        return IssueError(
            f"AWS throttles {operation}", "try again later, or ask for a higher quota"
        )
    if code == "InvalidSignatureException" and "expired" not in message.lower():
        return IssueError(
            "AWS finds the signature wrong",
            "see that the secret access key belongs to the access key id",
        )
    cause, remedy = _MEANINGS.get(
        code.removesuffix("Exception") if code == "ExpiredTokenException" else code,
        (
            f"{operation} failed at AWS ({_word(code)})",
            "try again; then see AWS Health",
        ),
    )
    return IssueError(cause, remedy)


def _arn_in(message: str) -> str:
    for word in message.split():
        if word.startswith("arn:"):
            return _word(word)
    return ""


def _word(text: str) -> str:
    """Keep what an ARN or a code is made of; the text is a stranger's."""
    return "".join(c for c in text[:200] if c.isalnum() or c in ":/._-+=,@")


# `aws login` came with botocore 1.41; Debian 12 has 1.29.
_LOGIN_BY_CLI = (theirs.LoginError,) if hasattr(theirs, "LoginError") else ()
_LOGIN = (
    theirs.SSOError,
    theirs.UnauthorizedSSOTokenError,
    theirs.TokenRetrievalError,
    theirs.NoAuthTokenError,
)
_UNREACHED = (
    theirs.ConnectionError,
    theirs.HTTPClientError,
)
_NO_ANSWER_OF_AWS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What botocore stumbles over in an answer without the fields that it expects."""
_CONFIG = (
    theirs.InvalidConfigError,
    theirs.ConfigParseError,
    theirs.ConfigNotFound,
    theirs.PartialCredentialsError,
    theirs.UnknownCredentialError,
)


class _PromptError(Exception):
    """An MFA code would have to be typed."""


def refuse_to_prompt(_: str) -> NoReturn:
    """Stand where botocore asks for an MFA code; a helper has no terminal."""
    raise _PromptError


def missing() -> MissingIdentityError:
    """Say that botocore found nobody."""
    return MissingIdentityError(
        "no AWS identity was found in variables, profiles, container or metadata",
        "configure one (aws configure, aws sso login) or set AWS_PROFILE",
    )


@contextmanager
def translated(profile: str, mfa_serial: str = "") -> Iterator[None]:
    """Turn what botocore raises into a cause with the exact command as remedy.

    Its texts are not repeated: a credential_process may have written a secret.
    """
    option = f" --profile {profile}" if profile else ""
    try:
        yield
    except _PromptError:
        raise IssueError(
            f"the role needs an MFA code of {mfa_serial or 'a device'}",
            f"run: aws sts get-caller-identity{option} (its session is then used)",
        ) from None
    except theirs.ProfileNotFound:
        raise IssueError(
            f"the AWS profile {profile} does not exist",
            "see AWS_PROFILE and the config file",
        ) from None
    except _LOGIN_BY_CLI:
        raise IssueError(
            "the AWS login has expired or was never made", f"run: aws login{option}"
        ) from None
    except _LOGIN:
        raise IssueError(
            "the AWS SSO login has expired or was never made",
            f"run: aws sso login{option}",
        ) from None
    except theirs.CredentialRetrievalError as error:
        provider = str(error.kwargs.get("provider", "its source"))
        raise IssueError(
            f"AWS keys were not had from {provider}", "run its command to see why"
        ) from None
    except theirs.MissingDependencyException:
        raise MissingExtraError(
            "this AWS login needs the AWS common runtime, which is not installed",
            "run: pip install 'dockcred[aws]'",
        ) from None
    except (theirs.NoCredentialsError, theirs.MetadataRetrievalError):
        raise missing() from None
    except _CONFIG as error:
        raise IssueError(
            f"the AWS configuration is not usable ({type(error).__name__})",
            f"see the profile {profile or 'default'}: aws configure list{option}",
        ) from None
    except theirs.ClientError as error:
        found = error.response.get("Error", {})
        operation = f"the operation {error.operation_name}"
        if error.operation_name == "GetAuthorizationToken":
            operation = "ecr:GetAuthorizationToken"
        raise meaning(
            str(found.get("Code", "")), str(found.get("Message", "")), operation
        ) from None
    except theirs.SSLError:
        raise TransportError(
            "AWS's certificate is refused",
            "set AWS_CA_BUNDLE to the root that signs it, if you trust it",
        ) from None
    except theirs.ProxyConnectionError:
        raise TransportError(
            "the proxy refused the connection to AWS", "see HTTPS_PROXY and NO_PROXY"
        ) from None
    except _UNREACHED as error:
        raise TransportError(
            f"AWS was not reached ({type(error).__name__})",
            "see the network, the region of the host and HTTPS_PROXY",
        ) from None
    except (ResponseParserError, *_NO_ANSWER_OF_AWS) as error:
        raise TransportError(
            f"an AWS service did not answer as AWS does ({type(error).__name__})",
            "see what listens there: a proxy, a captive portal or another service; "
            "DOCKCRED_LOG=debug, and AWS_ENDPOINT_URL where it is set",
        ) from None
    except theirs.BotoCoreError as error:
        raise IssueError(
            f"botocore failed ({type(error).__name__})",
            f"see: aws sts get-caller-identity{option}",
        ) from None
