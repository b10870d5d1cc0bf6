"""Each failure is told in one line: the cause, the remedy, and no secret."""

from __future__ import annotations

import pytest
from support.program import NOT_FOUND

from dockcred.providers.acr import problems
from dockcred.testing.sandbox import Response
from dockcred.testing.sandbox.azure.directory import OTHER_TENANT, Principal

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

HOST = "contoso.azurecr.io"
ROADS = pytest.mark.parametrize("road", ["", "sdk"])


@pytest.fixture
def said(get, cloud):
    """Return a function: it runs a get that fails, and returns its one line."""

    def ask(environment, host=HOST, road=""):
        answer = get(environment | {"DOCKCRED_ROAD": road}, host)
        line = answer.said
        assert "Traceback" not in line
        for name in ("AZURE_CLIENT_SECRET", "IDENTITY_HEADER", "MSI_SECRET"):
            assert environment.get(name, "-none-") not in line
        assert "eyJ" not in line  # a JWT
        return line

    return ask


@ROADS
def test_a_wrong_secret_is_named_and_not_repeated(road, said, cloud):
    """Entra's message quotes the secret that it was sent; our message does not."""
    environment = cloud.environment("azure-client-secret")
    environment["AZURE_CLIENT_SECRET"] = "sesame-open"
    line = said(environment, road=road)
    assert "Entra refuses the client secret (AADSTS7000215)" in line
    assert "AZURE_CLIENT_SECRET" in line


@ROADS
def test_an_unknown_application_is_named_by_its_variables(road, said, cloud):
    environment = cloud.environment("azure-client-secret")
    environment["AZURE_CLIENT_ID"] = "11111111-0000-0000-0000-000000000000"
    line = said(environment, road=road)
    assert "AADSTS700016" in line
    assert "AZURE_CLIENT_ID" in line


@ROADS
def test_an_unknown_tenant_is_named_by_its_variable(road, said, cloud):
    environment = cloud.environment("azure-workload-identity")
    environment["AZURE_TENANT_ID"] = "11111111-0000-0000-0000-000000000000"
    assert "AZURE_TENANT_ID" in said(environment, road=road)


def test_what_is_no_tenant_goes_into_no_url(said, cloud):
    environment = cloud.environment("azure-client-secret")
    environment["AZURE_TENANT_ID"] = "x/../evil?"
    assert "AZURE_TENANT_ID is not a tenant" in said(environment)
    assert cloud.calls.total() == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audience": "api://other"}, "AADSTS700212"),
        ({"sub": "system:serviceaccount:default:other"}, "AADSTS700213"),
        ({"iss": "https://issuer.example/"}, "AADSTS700211"),
        ({"lifetime_s": -60}, "AADSTS700024"),
    ],
)
@ROADS
def test_a_federated_token_that_does_not_fit_says_what(road, change, code, said, cloud):
    environment = cloud.environment("azure-workload-identity")
    work = cloud.azure.workplace(cloud.home / "azure-workload-identity", cloud.url)
    own = {"sub": "system:serviceaccount:default:azure-workload-identity"}
    work.federated_token(**own | change)
    assert code in said(environment, road=road)


def test_a_token_file_that_is_not_there_is_named(said, cloud):
    environment = cloud.environment("azure-workload-identity")
    environment["AZURE_FEDERATED_TOKEN_FILE"] += "-gone"
    assert "AZURE_FEDERATED_TOKEN_FILE names" in said(environment)


@ROADS
def test_several_identities_and_none_chosen_are_named(road, said, cloud):
    environment = cloud.environment("azure-imds-user")
    del environment["AZURE_CLIENT_ID"]
    line = said(environment, road=road)
    assert "several managed identities" in line
    for user in cloud.azure.machine.users:
        assert user.client_id in line
    assert "AZURE_CLIENT_ID" in line


@ROADS
def test_a_chosen_identity_that_the_machine_lacks_is_an_error(road, said, cloud):
    environment = cloud.environment("azure-imds-user")
    cloud.azure.machine.users.clear()
    line = said(environment, road=road)
    assert "does not have the managed identity" in line


@ROADS
def test_a_machine_without_an_identity_is_anonymous(road, get, cloud):
    environment = cloud.environment("azure-imds") | {"DOCKCRED_ROAD": road}
    cloud.azure.machine.system = None
    answer = get(environment)
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)


def test_another_cloud_s_metadata_service_is_nobody_of_azure_s(get, cloud):
    cloud.fail("azure-imds:garbage-body")
    answer = get(cloud.environment("azure-imds"))
    assert answer.status == 1


@ROADS
def test_a_role_that_is_missing_is_named_with_who_lacks_it(road, said, cloud):
    environment = cloud.environment("azure-imds")
    principal = cloud.azure.machine.system
    cloud.azure.directory.denied.add(principal.object_id)
    line = said(environment, road=road)
    assert f"{HOST} denies the identity {principal.client_id}" in line
    assert "AcrPull" in line


def test_a_tenant_that_is_not_the_registry_s_is_denied_and_named(said, cloud):
    environment = cloud.environment("azure-imds")
    cloud.azure.machine.system = Principal("stranger", tenant=OTHER_TENANT)
    line = said(environment)
    assert OTHER_TENANT in line
    assert "tenant" in line.partition(";")[2]


def test_a_firewall_names_the_address_that_it_saw(said, cloud):
    cloud.fail("acr:access-denied")
    line = said(cloud.environment("azure-imds"))
    assert "firewall of contoso.azurecr.io keeps this client (203.0.113.7) out" in line


def test_a_registry_that_does_not_exist_is_named(said, cloud):
    """With a proxy, it is the proxy that cannot resolve the name."""
    cloud.azure.registry.unregistered.add(HOST)
    assert HOST in said(cloud.environment("azure-imds"))


def test_a_name_that_does_not_resolve_is_no_registry(said, cloud):
    environment = cloud.environment("azure-imds")
    for name in ("HTTPS_PROXY", "https_proxy"):
        del environment[name]
    host = "contoso.azurecr.invalid.example"
    environment["DOCKCRED_ACR_SUFFIXES"] = "azurecr.invalid.example"
    line = said(environment, host)
    assert f"there is no registry {host}" in line
    assert "az acr show" in line


@pytest.mark.parametrize("service", ["acr", "entra"])
def test_a_throttled_call_is_made_again_after_the_time_it_names(service, get, cloud):
    cloud.fail(f"{service}:throttle:1")
    answer = get(cloud.environment("azure-client-secret"))
    assert answer.status == 0
    assert answer.seconds > 1
    assert cloud.calls[f"{service}:refused"] == 1


@pytest.mark.parametrize("service", ["acr", "entra"])
def test_throttling_that_lasts_says_when_to_try_again(service, said, cloud):
    cloud.fail(f"{service}:throttle")
    line = said(cloud.environment("azure-client-secret"))
    assert "throttles" in line
    assert "try again in 1 s" in line


@pytest.mark.parametrize("service", ["acr", "entra"])
def test_a_server_s_stumble_is_passed_over(service, get, cloud):
    cloud.fail(f"{service}:server-error:1")
    assert get(cloud.environment("azure-client-secret")).status == 0


@ROADS
def test_conditional_access_is_named(road, said, cloud):
    cloud.fail("entra:access-denied")
    line = said(cloud.environment("azure-workload-identity"), road=road)
    assert "conditional access blocks the login (AADSTS53003)" in line


@pytest.mark.parametrize("kind", ["garbage", "garbage-body", "half", "huge"])
@pytest.mark.parametrize("service", ["acr", "entra", "azure-imds", "app-service"])
def test_nonsense_is_told_in_one_line(kind, service, said, get, cloud):
    names = {"acr": "azure-app-service", "entra": "azure-client-secret"}
    environment = cloud.environment(names.get(service, "azure-app-service"))
    if service == "azure-imds":
        environment = cloud.environment("azure-imds-user")
    cloud.fail(f"{service}:{kind}")
    assert "; " in said(environment)


@pytest.mark.parametrize("service", ["acr", "entra", "app-service"])
def test_silence_ends_within_the_bound(service, get, cloud):
    name = "azure-client-secret" if service != "app-service" else "azure-app-service"
    environment = cloud.environment(name) | {"DOCKCRED_TIMEOUT": "2"}
    cloud.fail(f"{service}:hang")
    answer = get(environment)
    assert answer.status == 1
    assert b"gave up after 2 s" in answer.stdout


def test_a_certificate_that_is_not_the_registry_s_gets_no_token(said, cloud):
    cloud.fail("acr:wrong-certificate")
    line = said(cloud.environment("azure-imds"))
    assert f"the certificate of {HOST} is refused" in line
    assert cloud.calls["acr:exchange"] == 0


def test_a_redirect_of_the_exchange_is_not_followed(said, cloud, monkeypatch):
    """The token is sent only to the host that was validated."""
    away = Response(307, b"", {"Location": "https://evil.azurecr.io/oauth2/exchange"})
    monkeypatch.setattr(cloud.azure.registry, "answer", lambda *_: away)
    assert "status 307" in said(cloud.environment("azure-imds"))
    assert cloud.calls["acr:exchange"] == 1


# Programs: az, Azure PowerShell and azd, missing, logged out, failing, hanging, noisy.

CHOICES = {
    "az": ("azure-cli", "AzureCliCredential", "az login"),
    "azd": ("azure-developer-cli", "AzureDeveloperCliCredential", "azd auth login"),
    "pwsh": ("azure-powershell", "AzurePowerShellCredential", "Connect-AzAccount"),
}


@pytest.fixture(params=CHOICES)
def program(request, cloud):
    """A program's name, variables that choose it, its workplace, its login command."""
    name, choice, login = CHOICES[request.param]
    environment = cloud.environment(name) | {"AZURE_TOKEN_CREDENTIALS": choice}
    work = cloud.azure.workplace(cloud.home / name, cloud.url)
    return request.param, environment, work, login


def test_a_program_that_is_missing_is_named_with_what_to_install(program, said):
    name, environment, work, _ = program
    (work.home / "bin" / name).unlink()
    line = said(environment | {"PATH": "/usr/bin:/bin"})
    assert "is not installed; install " in line


def test_a_program_that_is_logged_out_is_named_with_its_login(program, said):
    name, environment, work, login = program
    work.log_out(name)
    line = said(environment)
    assert "is not logged in" in line
    assert login in line


def test_a_login_that_has_expired_is_named(program, said, cloud):
    """The remedy is the program's own login command; PowerShell's text is not shown."""
    name, environment, _, login = program
    cloud.fail("entra:expired-token")
    line = said(environment)
    if name == "pwsh":
        assert "gave no token" in line
    else:
        assert "AADSTS700082" in line
        assert line.endswith(f"log in anew: {login}")


@pytest.mark.parametrize("code", ["50076", "50079", "50158", "50173"])
def test_who_has_no_login_is_not_told_to_log_in(code):
    """For a user whose password is in variables, a login would not help."""
    remedy = problems.meaning(f"AADSTS{code}: no", "Entra").remedy
    assert "log in" not in remedy
    assert "another" in remedy or "needs no person" in remedy


@pytest.mark.parametrize(
    ("status", "text", "remedy"),
    [
        (400, "No User Assigned or Delegated Managed Identity found", "assign it"),
        (403, "Forbidden", "see which identities the machine has"),
        (401, "unauthorized_client", "see which identities the machine has"),
        (500, "unknown", "try again"),
        (404, "not_found", "try again"),
        (410, "gone", "try again"),
        (410, "No User Assigned or Delegated Managed Identity found", "try again"),
        (503, "Identity not found", "try again"),
    ],
)
def test_a_machine_that_refuses_is_not_told_as_an_outage(status, text, remedy):
    assert problems.machine_meaning(text, "it", status).remedy.startswith(remedy)


def test_a_403_that_is_not_the_registry_s_is_no_firewall(said, cloud, monkeypatch):
    page = Response(403, b"<html>blocked</html>", {"Content-Type": "text/html"})
    monkeypatch.setattr(cloud.azure.registry, "answer", lambda *_: page)
    line = said(cloud.environment("azure-imds"))
    assert "did not exchange the token (status 403)" in line


def test_a_program_that_hangs_ends_within_the_bound_and_so_do_its_children(
    program, acr, cloud
):
    name, environment, work, _ = program
    work.write(f"bin/{name}", b"#!/bin/sh\nsleep 987 & sleep 987\n", 0o700)
    answer = acr.get(environment | {"DOCKCRED_TIMEOUT": "3"}, HOST)
    assert answer.status == 1
    assert b"\n" not in answer.stdout[:-1]


def test_a_program_s_noise_is_neither_shown_nor_taken_for_a_token(program, said):
    name, environment, work, _ = program
    noise = b"#!/bin/sh\necho 'password=hunter2'; echo 'key=hunter2' >&2\n"
    work.write(f"bin/{name}", noise, 0o700)
    line = said(environment)
    assert "hunter2" not in line
    assert "gave no token" in line


def test_a_program_that_fails_with_a_secret_in_its_words_is_not_quoted(program, said):
    name, environment, work, _ = program
    script = b"#!/bin/sh\necho 'fatal: token hunter2 refused' >&2; exit 3\n"
    work.write(f"bin/{name}", script, 0o700)
    assert "hunter2" not in said(environment)


def test_warnings_beside_a_token_do_not_hurt(program, get):
    name, environment, work, _ = program
    script = (work.home / "bin" / name).read_bytes()
    noisy = script.replace(b"\nexec", b"\necho 'WARNING: new version' >&2\nexec")
    work.write(f"bin/{name}", noisy, 0o700)
    answer = get(environment)
    assert answer.status == 0
    assert answer.stderr == b""
