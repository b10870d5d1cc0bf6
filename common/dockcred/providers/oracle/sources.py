"""The identity that is asked for an Oracle credential.

OCI_CLI_AUTH chooses it, as for Oracle's command line. Without that variable the order
is: a whole API key in variables, a profile that is named, a resource principal, the
configuration file, the machine.
"""

from __future__ import annotations

import os

from dockcred import system
from dockcred.errors import InvalidInputError, IssueError
from dockcred.identity.provider import Identity
from dockcred.providers.oracle import hosts, profiles
from dockcred.providers.oracle.profiles import SESSION, OciProfile, session_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.providers.oracle.api import RequestSigner
    from dockcred.providers.oracle.metadata import Instance
    from dockcred.system.environment import Environment

API_KEY = "api_key"
RESOURCE, WORKLOAD, INSTANCE = (
    "resource_principal",
    "oke_workload_identity",
    "instance_principal",
)
KINDS = (API_KEY, SESSION, INSTANCE, RESOURCE, WORKLOAD)
VERSION = "OCI_RESOURCE_PRINCIPAL_VERSION"
SPOKEN = "2.2"
"""The version of resource principals that we support without the SDK."""


def kind_of(environment: Environment) -> str:
    """Return the kind of identity that is configured; no request is sent."""
    chosen = environment.get("OCI_CLI_AUTH")
    if chosen:
        if chosen not in KINDS:
            raise InvalidInputError(
                "OCI_CLI_AUTH names a way to authenticate that is not spoken here",
                f"set it to one of: {', '.join(KINDS)}",
            )
        return chosen
    named = environment.first("OCI_CLI_PROFILE", "OCI_CLI_CONFIG_FILE")
    if named or profiles.is_whole(environment):
        return API_KEY
    if environment.get(VERSION):
        # By OKE's documentation a pod sets the version too, but no _RPST.
        is_pod = environment.get("KUBERNETES_SERVICE_HOST")
        return WORKLOAD if is_pod and not environment.get(_RPST) else RESOURCE
    path = hosts.config_file(environment)
    is_there = path and (os.path.isfile(path) or environment.get("OCI_CONFIG_FILE"))
    return API_KEY if is_there else INSTANCE


def choose(place: str, environment: Environment) -> Identity:
    """Return the identity for the token of the registry at a place."""
    kind = kind_of(environment)
    return {
        API_KEY: ProfileIdentity,
        SESSION: ProfileIdentity,
        INSTANCE: InstanceIdentity,
        RESOURCE: ResourceIdentity,
        WORKLOAD: PodIdentity,
    }[kind](place, environment, kind)


class OracleIdentity(Identity):
    """An identity that can sign the request for a registry's token.

    whose  names the identity in an error
    """

    whose = ""
    needs_sdk = False

    def __init__(self, place: str, environment: Environment, kind: str) -> None:
        """Keep what is chosen; no request is sent yet."""
        self.place = place
        self.environment = environment
        self.kind = kind
        self.looked_for = None if environment.get("DOCKCRED_ROAD") == "sdk" else ()

    def issue(self) -> Credential:
        """Return the registry's token; DOCKCRED_ROAD chooses who signs the request."""
        road = self.environment.get("DOCKCRED_ROAD")
        if self.needs_sdk and road == "direct":
            raise InvalidInputError(
                "this version of resource principals is none but Oracle's SDK's, and "
                "DOCKCRED_ROAD is direct",
                "unset DOCKCRED_ROAD",
            )
        by_sdk = road == "sdk" or self.needs_sdk
        signer = self.sdk_signer() if by_sdk else self.signer()
        from dockcred.providers.oracle import api  # noqa: PLC0415 - a miss only

        return api.registry_token(self.place, signer, self.whose, self.environment)

    def signer(self) -> RequestSigner:
        """Return a signer of our own."""
        raise NotImplementedError

    def sdk_signer(self) -> RequestSigner:
        """Return a signer of Oracle's SDK."""
        raise NotImplementedError


class ProfileIdentity(OracleIdentity):
    """The API key or the session that a profile, or variables, name."""

    def __init__(self, place: str, environment: Environment, kind: str) -> None:
        """Read the profile; no request is sent yet."""
        super().__init__(place, environment, kind)
        self.profile = profile = OciProfile(environment)
        self.is_session = profile.is_session(kind)
        self.sources = ("oracle:session" if self.is_session else "oracle:api-key",)
        self.whose = f"the {'session' if self.is_session else 'API key'} of {profile}"
        if not profile.fields.get("key_content"):
            self.files = (profile.file("key_file"),)
        if self.is_session:
            self.tokens = (profile.file("security_token_file"),)

    def signer(self) -> RequestSigner:
        """See OracleIdentity."""
        from dockcred.providers.oracle import signature  # noqa: PLC0415 - a miss only

        key_id = self.profile.key_id(is_session=self.is_session)
        passphrase = self.profile.fields.get("pass_phrase", "")
        data, where = self.profile.key()
        return signature.Signer(key_id, signature.read_key(data, passphrase, where))

    def sdk_signer(self) -> RequestSigner:
        """See OracleIdentity; we check the session's expiry, not the SDK."""
        from dockcred.providers.oracle import sdk  # noqa: PLC0415 - the SDK road

        if not self.is_session:
            return sdk.by_profile(self.profile, self.environment)
        token = self.profile.key_id(is_session=True).removeprefix("ST$")
        return sdk.by_session(self.profile, token, self.environment)


class InstanceIdentity(OracleIdentity):
    """The instance principal of the machine."""

    sources = ("oracle:instance-principal",)
    whose = "this instance's principal"

    def signer(self) -> RequestSigner:
        """See OracleIdentity; this also sets `principal` to the instance's name."""
        instance = self._instance()
        from dockcred.providers.oracle import machine  # noqa: PLC0415 - see _instance

        signer, self.principal = machine.instance_signer(instance)
        return signer

    def sdk_signer(self) -> RequestSigner:
        """See OracleIdentity.

        Our own request comes first: without a metadata service the SDK waits for
        minutes.
        """
        self.principal = self.current_principal()
        from dockcred.providers.oracle import sdk  # noqa: PLC0415 - the SDK road

        return sdk.by_instance(self.environment)

    def current_principal(self) -> str:
        """Return the instance's name in its certificate."""
        instance = self._instance()
        from dockcred.providers.oracle import machine  # noqa: PLC0415 - see _instance

        return machine.principal(instance)

    def _instance(self) -> Instance:
        """Return the instance after its answer; only then is cryptography loaded."""
        from dockcred.providers.oracle.metadata import Instance  # noqa: PLC0415 - a miss

        instance = Instance(self.environment)
        instance.certificate()
        return instance


class PodIdentity(OracleIdentity):
    """The service account of a pod on OKE."""

    sources = ("oracle:workload-identity",)
    whose = "this pod's service account"

    def __init__(self, place: str, environment: Environment, kind: str) -> None:
        """Read the token; InvalidInputError where there is no cluster."""
        super().__init__(place, environment, kind)
        if not environment.get("KUBERNETES_SERVICE_HOST"):
            raise InvalidInputError(
                "workload identity was chosen, and KUBERNETES_SERVICE_HOST names no "
                "cluster",
                "run it in a pod of OKE, or change OCI_CLI_AUTH",
            )
        self.said = environment.get(_POD_TOKEN_STRING)
        named = environment.get(_POD_TOKEN, _POD_TOKEN_FILE)
        self.path = hosts.expand(named, environment)
        if self.said:
            self.sources = ("oracle:workload-identity-variable",)  # it has no row
        else:
            self.tokens = (self.path,)

    def signer(self) -> RequestSigner:
        """See OracleIdentity."""
        token = self._token()
        from dockcred.providers.oracle import machine  # noqa: PLC0415 - a miss only

        return machine.pod_signer(token, self.environment)

    def sdk_signer(self) -> RequestSigner:
        """See OracleIdentity."""
        self._token()
        from dockcred.providers.oracle import sdk  # noqa: PLC0415 - the SDK road

        return sdk.by_pod(self.path, self.said, self.environment)

    def _token(self) -> str:
        """Return the service account's token; EndedError where it has expired."""
        token = self.said or profiles.text(self.path, _POD_TOKEN)
        where = (
            "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_STRING" if self.said else self.path
        )
        session_id(token, where, "see that kubelet still renews the pod's token")
        return token


class ResourceIdentity(OracleIdentity):
    """A resource principal: the platform gives it a session's token and key."""

    sources = ("oracle:resource-principal",)
    whose = "this resource principal"

    def __init__(self, place: str, environment: Environment, kind: str) -> None:
        """Check that token and key are set; IssueError where one is missing."""
        super().__init__(place, environment, kind)
        if environment.get(VERSION) != SPOKEN:
            self.needs_sdk = True
            self.sources = ("oracle:resource-principal-of-the-sdk",)  # it has no row
            return
        values = {name: environment.get(name) for name in (_RPST, _RP_KEY)}
        for name, value in values.items():
            if not value:
                raise IssueError(
                    f"a resource principal was chosen, and {name} is not set",
                    "see the platform that runs this, or change OCI_CLI_AUTH",
                )
        if not all(map(os.path.isabs, values.values())):
            self.sources = ("oracle:resource-principal-variable",)  # it has no row

    def signer(self) -> RequestSigner:
        """See OracleIdentity."""
        from dockcred.providers.oracle import signature  # noqa: PLC0415 - a miss only

        remedy = "see that the platform still renews it"
        key_id = session_id(self._value(_RPST), _RPST, remedy)
        data, passphrase = self._value(_RP_KEY), self._value(_RP_PASSPHRASE)
        key = signature.read_key(data.encode(), passphrase, f"of {_RP_KEY}")
        return signature.Signer(key_id, key)

    def sdk_signer(self) -> RequestSigner:
        """See OracleIdentity."""
        from dockcred.providers.oracle import sdk  # noqa: PLC0415 - the SDK road

        return sdk.by_resource(self.environment)

    def _value(self, name: str) -> str:
        """Return a variable's value, or the text of the file that it names."""
        value = self.environment.get(name)
        return profiles.text(value, name) if os.path.isabs(value) else value


_RPST = "OCI_RESOURCE_PRINCIPAL_RPST"
_RP_KEY = "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM"
_RP_PASSPHRASE = "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE"  # noqa: S105 - its name
_POD_TOKEN = "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH"  # noqa: S105 - its name
_POD_TOKEN_STRING = "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_STRING"  # noqa: S105
_POD_TOKEN_FILE = f"{system.IN_POD}/token"


def about(principal: str, environment: Environment) -> dict[str, str]:
    """Return the profile with its user and tenancy, or the machine's own name."""
    if principal:
        return {"principal": principal}
    try:
        if kind_of(environment) not in {API_KEY, SESSION}:
            return {}
        profile = OciProfile(environment)
    except (InvalidInputError, IssueError):
        return {}
    found = {"profile": profile.name if profile.path else ""}
    found |= {name: profile.fields.get(name, "") for name in ("user", "tenancy")}
    return {name: value for name, value in found.items() if value}
