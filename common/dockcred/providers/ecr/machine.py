"""Keys from the machine: the instance metadata service, and a container's endpoint.

Sources: docs.aws.amazon.com, "Use IMDSv2" and "Container credential provider". Neither
of them is ever reached through a proxy.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.providers.ecr.endpoints import CA_VARIABLES, Keys, is_true
from dockcred.system.cloud import AWS
from dockcred.transport.http import (
    ask_if_there,
    is_temporary,
    probe,
    request,
    with_retries,
)
from dockcred.transport.target import Target, is_segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

TIMEOUT_S = 1.0
_TOKEN_TTL_S = 60
_OK = 200
_NOT_FOUND = 404
_ROLES = "/latest/meta-data/iam/security-credentials/"
_CONTAINER = "http://169.254.170.2"


class InstanceProfile:
    """The role of an EC2 instance, by IMDSv2.

    A request times out after one second, or after AWS_METADATA_SERVICE_TIMEOUT.
    """

    def __init__(self, environment: Environment) -> None:
        """Determine the endpoint and the timeout; no request is sent yet.

        Raises InvalidInputError where a variable has a wrong value.
        """
        self._environment = environment
        mode = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").lower()
        if mode not in {"", "ipv4", "ipv6"}:
            raise InvalidInputError(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither ipv4 nor ipv6",
                "set it to one of them",
            )
        ipv6 = mode == "ipv6" or (
            not mode and is_true(environment, "AWS_IMDS_USE_IPV6")
        )
        default = "http://[fd00:ec2::254]" if ipv6 else "http://169.254.169.254"
        named = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        self._base = (named or default).rstrip("/")
        self._is_named = bool(named or mode or ipv6)
        self._token = ""
        patience = environment.get("AWS_METADATA_SERVICE_TIMEOUT")
        if patience and not patience.isdecimal():
            raise InvalidInputError(
                "AWS_METADATA_SERVICE_TIMEOUT is not a number of seconds", "fix it"
            )
        self._timeout_s = float(patience) if patience else TIMEOUT_S

    def role(self) -> str:
        """Return the role's name; raise MissingIdentityError if there is none."""
        if not self._token:
            self._token = self._session_token()
        answer = self._get(_ROLES)
        role = answer.body.decode("ascii", "replace").strip().partition("\n")[0]
        if answer.status == _NOT_FOUND or not role:
            raise MissingIdentityError(
                "this EC2 instance has no role",
                "attach an instance profile, or configure an AWS identity",
            )
        if answer.status != _OK or not is_segment(role):
            raise _unusable(self._base, answer.status)
        return role

    def keys(self) -> Keys:
        """Return the role's temporary keys."""
        role = self.role()
        answer = self._get(_ROLES + role)
        if answer.status != _OK:
            raise _unusable(self._base, answer.status)
        return _keys(answer, self._base, said=role)

    def _session_token(self) -> str:
        whose = "" if self._is_named else AWS
        answer = ask_if_there(whose, self._environment, self._put, _missing)
        if is_temporary(answer):
            raise _unusable(self._base, answer.status)
        token = answer.body.decode("ascii", "replace").strip()
        if answer.status != _OK or not token.isprintable() or not token:
            raise MissingIdentityError(
                "no AWS identity was found in variables, profile or container, and the "
                f"instance metadata service answered {answer.status}",
                "configure one (aws configure, aws sso login) or enable IMDSv2",
            )
        return token

    def _put(self) -> Response:
        ttl = {"x-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_TTL_S)}
        return with_retries(
            lambda: probe(
                "PUT",
                f"{self._base}/latest/api/token",
                self._environment,
                headers=ttl,
                timeout_s=self._timeout_s,
            )
        )

    def _get(self, path: str) -> Response:
        return with_retries(
            lambda: request(
                "GET",
                self._base + path,
                self._environment,
                headers={"x-aws-ec2-metadata-token": self._token},
                timeout_s=self._timeout_s,
            )
        )


def _missing(cause: str) -> MissingIdentityError:
    return MissingIdentityError(
        f"no AWS identity was found in variables, profile or container, and {cause}",
        "configure one (aws configure, aws sso login), attach an instance "
        "profile, or in a container raise the metadata hop limit to 2",
    )


def container_keys(environment: Environment) -> Keys:
    """Return the keys of a container's endpoint (ECS, EKS Pod Identity, Greengrass)."""
    relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    url = f"{_CONTAINER}/{relative.lstrip('/')}" if relative else full
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        token = environment.token_in("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    headers = {"accept": "application/json"}
    if token:
        headers["authorization"] = token
    answer = with_retries(
        lambda: request(
            "GET",
            url,
            environment,
            headers=headers,
            timeout_s=2 * TIMEOUT_S,
            ca_variables=CA_VARIABLES,
        )
    )
    name = Target(url).netloc
    if answer.status != _OK:
        raise IssueError(
            f"the container's credential endpoint {name} answered {answer.status}",
            "see the task's or pod's role association",
        )
    return _keys(answer, name)


def _keys(answer: Response, name: str, said: str = "") -> Keys:
    from datetime import datetime  # noqa: PLC0415 - a miss only

    try:
        fields = answer.json()
        if fields.get("Code", "Success") != "Success":
            raise IssueError(
                f"{name} has no keys for the role ({fields['Code']!s:.40})",
                "see the role's trust policy",
            )
        expires_at = datetime.fromisoformat(fields["Expiration"]).timestamp()
        said = said or str(fields.get("RoleArn") or "")
        return Keys(
            fields["AccessKeyId"],
            fields["SecretAccessKey"],
            fields["Token"],
            expires_at=expires_at,
            said=said,
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _unusable(name, answer.status) from None


def _unusable(name: str, status: int) -> IssueError:
    return IssueError(
        f"{name} did not answer as AWS's metadata does (status {status})",
        "see what listens there",
    )
