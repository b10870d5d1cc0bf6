"""`dockcred token-service`: issue a registry's tokens for tokens of OIDC issuers.

It imports `transport` and `system`, but no provider, store or client.
"""

from __future__ import annotations

from types import ModuleType

import click

from dockcred import system
from dockcred.commands.console import examples, reporting_errors
from dockcred.commands.help import HelpfulGroup
from dockcred.commands.token_service.listen import DEFAULT_ADDRESS, Listen
from dockcred.errors import InvalidInputError, MissingExtraError, NotServedError
from dockcred.system import environment, hardening

MOST_WORKERS = 64
config_option = click.option(
    "--config",
    metavar="FILE",
    help="The configuration: issuers and rules, see docs/token-service.md.",
)
keys_option = click.option(
    "--keys",
    metavar="DIRECTORY",
    help="The directory of our own keys; it is created if it is missing.",
)


@click.group(
    cls=HelpfulGroup,
    invoke_without_command=True,
    epilog=examples(
        "dockcred token-service --issuer https://gitlab.example.com \\",
        "  --audience registry.example.com \\",
        "  --allow 'team/app:pull,push project_id=17 ref_protected=true'",
        "dockcred token-service --config /etc/dockcred/token-service.toml",
        "dockcred token-service write-registry-config /etc/docker/registry \\",
        "  --config /etc/dockcred/token-service.toml --realm https://HOST/token",
    ),
)
@config_option
@keys_option
@click.option("--issuer", metavar="URL", help="Accept ID tokens of this issuer.")
@click.option(
    "--audience", metavar="NAME", help="Accept only ID tokens for this audience."
)
@click.option(
    "--service",
    metavar="NAME",
    help="The registry's name; the default is the audience.",
)
@click.option(
    "--allow",
    metavar="'REPOSITORY:ACTIONS CLAIM=GLOB…'",
    multiple=True,
    help="Allow ACTIONS to tokens that have these claims; may be repeated.",
)
@click.option(
    "--allow-anonymous",
    metavar="REPOSITORY",
    multiple=True,
    help="Let everybody pull this repository; may be repeated.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default=DEFAULT_ADDRESS,
    show_default=True,
    help="The address to listen on.",
)
@click.option(
    "--tls-certificate",
    metavar="FILE",
    default="",
    help="Serve TLS with this certificate chain.",
)
@click.option(
    "--tls-key", metavar="FILE", default="", help="The private key of the certificate."
)
@click.option(
    "--behind-proxy",
    is_flag=True,
    help="Serve plain http; a proxy in front of us has TLS.",
)
@click.option(
    "--forwarded-for",
    is_flag=True,
    help="Limit clients by the last address in X-Forwarded-For, which the proxy"
    " writes.",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    help="How many processes share the port; best is one for each processor.",
)
@click.option(
    "--per-client",
    metavar="N",
    type=click.IntRange(0),
    help="The most connections of one address, and its most requests in a second; 0"
    " means no limit.",
)
@click.pass_context
def token_service(
    context: click.Context,
    *,
    config: str | None,
    keys: str | None,
    issuer: str | None,
    audience: str | None,
    service: str | None,
    allow: tuple[str, ...],
    allow_anonymous: tuple[str, ...],
    listen: str,
    tls_certificate: str,
    tls_key: str,
    behind_proxy: bool,
    forwarded_for: bool,
    workers: int,
    per_client: int | None,
) -> None:
    """Issue a registry's tokens to clients that show an ID token of an OIDC issuer.

    Without --config or --issuer it asks the OAuth provider that TOKEN_URL, CLIENT_ID
    and the other variables of distribution-oauth name.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    variables = environment.current()
    with reporting_errors():
        work = _work()
        told = any((issuer, audience, service, allow, allow_anonymous))
        if config and told:
            raise InvalidInputError("there are two configurations", "give one")
        if config:
            settings = work.of_file(config, keys, variables)
            application = work.with_rules(settings)
        elif told:
            if not (issuer and audience):
                raise InvalidInputError(
                    "nobody is believed yet", "give --issuer and --audience"
                )
            settings = work.of_options(
                issuer=issuer,
                audience=audience,
                service=service or "",
                keys=work.key_directory(keys, variables),
                allow=allow,
                allow_anonymous=allow_anonymous,
            )
            application = work.with_rules(settings)
        elif variables.get("TOKEN_URL"):
            application = work.with_provider(variables)
        else:
            raise InvalidInputError(
                "nobody is believed yet", "give --config, --issuer or TOKEN_URL"
            )
        address = Listen(
            listen, tls_certificate, tls_key, behind_proxy, forwarded_for, per_client
        )
        hardening.hide_memory()
        work.serve(application, address, workers, variables)


@token_service.command(
    epilog=examples("dockcred token-service keygen --keys /var/lib/dockcred/keys")
)
@keys_option
def keygen(keys: str | None) -> None:
    """Create our first keys: one that signs now, and one that signs after it."""
    with reporting_errors():
        work = _work()
        directory = work.key_directory(keys, environment.current())
        work.KeyDirectory(directory).create()
        click.echo(f"Made {directory}.")


@token_service.command(
    epilog=examples("dockcred token-service rotate --keys /var/lib/dockcred/keys")
)
@keys_option
def rotate(keys: str | None) -> None:
    """Let the next key sign, and create another next key.

    Registries already know the next key, from the last time they were given our keys.
    Give them the new keys (write-registry-config) and restart them before you rotate
    again.
    """
    with reporting_errors():
        work = _work()
        directory = work.key_directory(keys, environment.current())
        roles = work.KeyDirectory(directory).rotate()
        click.echo(f"{roles.signing} signs from now on.")
        click.echo("Now run write-registry-config again, and restart the registries.")


@token_service.command(
    "write-registry-config",
    epilog=examples(
        "dockcred token-service write-registry-config /etc/docker/registry \\",
        "  --config /etc/dockcred/token-service.toml --realm https://HOST/token",
    ),
)
@config_option
@keys_option
@click.option(
    "--service",
    metavar="NAME",
    default="",
    help="The registry's name, if there is no --config.",
)
@click.option(
    "--realm",
    metavar="URL",
    required=True,
    help="The URL of our /token, as clients reach it.",
)
@click.option(
    "--seen-as",
    metavar="DIRECTORY",
    help="The path of DIRECTORY for the registry, if it is in a container.",
)
@click.argument("directory")
def write_registry_config(
    *,
    config: str | None,
    keys: str | None,
    service: str,
    realm: str,
    seen_as: str | None,
    directory: str,
) -> None:
    """Write the registry's settings, and our public keys, into DIRECTORY."""
    # The registry reads these files, and may run as another user.
    with reporting_errors(), hardening.as_called():
        work, variables = _work(), environment.current()
        if bool(config) == bool(service):
            raise InvalidInputError(
                "the registry has no name, or two", "give --config or --service"
            )
        if config:
            settings = work.of_file(config, keys, variables)
        else:
            settings = work.Settings(
                service, work.key_directory(keys, variables), (), ()
            )
        for path in work.write_registry_config(settings, directory, seen_as, realm):
            click.echo(path)


@token_service.command(
    epilog=examples("dockcred token-service check /etc/dockcred/token-service.toml")
)
@click.argument("config", metavar="FILE")
def check(config: str) -> None:
    """Look for mistakes in a configuration, and say what each of its rules allows."""
    with reporting_errors():
        settings = _work().of_file(config, None, environment.current())
        for rule in settings.rules:
            who = rule.issuer or "everybody"
            what = " ".join(glob.text for glob in rule.repositories)
            known = " (strangers may push)" if rule.strangers_may_push else ""
            allowed = f"{','.join(sorted(rule.actions))} {what}".rstrip()
            click.echo(f"{who}: {allowed}{known}")


def _refuse_options(context: click.Context) -> None:
    """Raise UsageError for options before a subcommand, which would ignore them."""
    default = click.core.ParameterSource.DEFAULT
    if any(context.get_parameter_source(name) != default for name in context.params):
        raise click.UsageError(
            f"put the options behind {context.invoked_subcommand}, not before it"
        )


def _work() -> ModuleType:
    """Import the modules that need the extra.

    Raises NotServedError on Windows, and MissingExtraError without the extra.
    """
    if not system.SERVES:
        raise NotServedError(
            "the token service does not run on Windows", "run it on Linux, or in WSL"
        )
    try:
        from dockcred.commands.token_service import work  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            f"the token service needs {error.name}, which is not installed",
            "run: pip install 'dockcred[token-service]'",
        ) from None
    return work
