"""The Azure identities: what each leaves in the home and the environment.

Each has its own principal, named after it, so that a test notices a mix-up.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from dockcred.testing.sandbox.azure import service_fabric as fabric
from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.azure.workplace import Workplace
from dockcred.testing.sandbox.home import make_private

Variables = dict[str, str]
Identity = Callable[[Workplace], Variables]

SUBJECT = "system:serviceaccount:default:azure-workload-identity"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


def _application(principal: Principal) -> Variables:
    return {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": principal.client_id}


def client_secret(work: Workplace) -> Variables:
    """Use a service principal with a secret in the environment."""
    secret = secrets.token_urlsafe(30)
    principal = Principal("azure-client-secret", secret=secret)
    work.azure.directory.add(principal)
    return _application(principal) | {"AZURE_CLIENT_SECRET": secret}


def client_certificate(work: Workplace) -> Variables:
    """Use a service principal with a certificate in a file."""
    from dockcred.testing.sandbox.azure import certificates  # noqa: PLC0415 - an extra

    certificate, key = certificates.self_signed()
    principal = Principal("azure-client-certificate", certificate=certificate)
    work.azure.directory.add(principal)
    path = work.write("certificate.pem", key + certificate)
    return _application(principal) | {"AZURE_CLIENT_CERTIFICATE_PATH": str(path)}


def user_password(work: Workplace) -> Variables:
    """Use a person's name and password in the environment, which Azure discourages."""
    secret = secrets.token_urlsafe(12)
    principal = Principal("azure-user-password", secret=secret)
    work.azure.directory.add(principal)
    return _application(principal) | {
        "AZURE_USERNAME": f"{principal.name}@sandbox.example",
        "AZURE_PASSWORD": secret,
    }


def workload_identity(work: Workplace) -> Variables:
    """Be a pod whose service account an application trusts."""
    principal = Principal("azure-workload-identity", subject=SUBJECT)
    work.azure.directory.add(principal)
    path = work.federated_token(SUBJECT)
    return _application(principal) | {"AZURE_FEDERATED_TOKEN_FILE": str(path)}


def imds(work: Workplace) -> Variables:
    """Be a virtual machine with a system-assigned identity."""
    work.azure.machine.system = Principal("azure-imds")
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": work.url}


def imds_user(work: Workplace) -> Variables:
    """Be a virtual machine with two user-assigned identities, one of them chosen."""
    users = [Principal("azure-imds-user"), Principal("azure-imds-other")]
    work.azure.machine.system = None
    work.azure.machine.users = users
    return {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": work.url,
        "AZURE_CLIENT_ID": users[0].client_id,
    }


def app_service(work: Workplace) -> Variables:
    """Be a web app, a function or a container app with an identity."""
    work.azure.machine.system = Principal("azure-app-service")
    return {
        "IDENTITY_ENDPOINT": f"{work.url}/msi/token",
        "IDENTITY_HEADER": work.azure.app_service.header,
    }


def arc(work: Workplace) -> Variables:
    """Be a server of Azure Arc's; its keys must be mounted where the SDK looks."""
    work.azure.machine.system = Principal("azure-arc")
    directory = work.home / "tokens"
    make_private(directory)
    work.azure.arc.directory = directory
    return {"IDENTITY_ENDPOINT": f"{work.url}/arc/token", "IMDS_ENDPOINT": work.url}


def service_fabric(work: Workplace) -> Variables:
    """Be a Service Fabric application, which knows its endpoint by a thumbprint."""
    work.azure.machine.system = Principal("azure-service-fabric")
    return {
        "IDENTITY_ENDPOINT": f"https://{fabric.HOST}{fabric.PATH}",
        "IDENTITY_HEADER": work.azure.service_fabric.secret,
        "IDENTITY_SERVER_THUMBPRINT": work.azure.thumbprint(fabric.HOST),
    }


def machine_learning(work: Workplace) -> Variables:
    """Be a Machine Learning compute with an identity."""
    work.azure.machine.system = Principal("azure-machine-learning")
    return {
        "MSI_ENDPOINT": f"{work.url}/aml/token",
        "MSI_SECRET": work.azure.machine_learning.secret,
    }


def cloud_shell(work: Workplace) -> Variables:
    """Be a person in Cloud Shell."""
    work.azure.machine.system = Principal("azure-cloud-shell")
    return {"MSI_ENDPOINT": f"{work.url}/cloud-shell/token"}


def cli(work: Workplace) -> Variables:
    """Use the login of the Azure CLI."""
    found = work.log_in("az", Principal("azure-cli"))
    return found | {"AZURE_POD_IDENTITY_AUTHORITY_HOST": NOWHERE}


def powershell(work: Workplace) -> Variables:
    """Use the login of Azure PowerShell."""
    found = work.log_in("pwsh", Principal("azure-powershell"))
    return found | {"AZURE_TOKEN_CREDENTIALS": "AzurePowerShellCredential"}


def developer_cli(work: Workplace) -> Variables:
    """Use the login of the Azure Developer CLI."""
    found = work.log_in("azd", Principal("azure-developer-cli"))
    return found | {"AZURE_TOKEN_CREDENTIALS": "AzureDeveloperCliCredential"}


def nothing(work: Workplace) -> Variables:
    """Be nobody in Azure: no identity anywhere."""
    del work
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": NOWHERE}


IDENTITIES: dict[str, Identity] = {
    f"azure-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        client_secret,
        client_certificate,
        user_password,
        workload_identity,
        imds,
        imds_user,
        app_service,
        arc,
        service_fabric,
        machine_learning,
        cloud_shell,
        cli,
        powershell,
        developer_cli,
        nothing,
    )
}
