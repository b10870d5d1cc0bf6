"""The exact bytes of each format, and what each format refuses."""

from __future__ import annotations

import base64
import itertools
import json
import shlex
import subprocess
import tomllib
from collections.abc import Callable

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from dockcred.clients import formats
from dockcred.clients.formats import Options
from dockcred.clients.kubernetes import render as kubernetes_render
from dockcred.errors import InvalidInputError

from .logins import AUTH, ENDS, HOST, SECRET, TOKEN, USER, login

HUB_URL = "https://index.docker.io/v1/"
ONE = [login()]


def render(form: str, logins=ONE, /, **options) -> str:
    return formats.render(form, logins, Options(**options)).decode()


@pytest.mark.parametrize("name", ["docker-config", "helm"])
def test_docker_reads_auth_alone_on_one_line(name: str) -> None:
    """The same bytes as daggerverse's registry-config writes."""
    assert render(name) == f'{{"auths":{{"{HOST}":{{"auth":"{AUTH}"}}}}}}'


def test_docker_hub_has_every_key_that_a_client_looks_up() -> None:
    auths = json.loads(render("docker-config", [login("docker.io")]))["auths"]
    assert list(auths) == ["docker.io", HUB_URL, "index.docker.io"]
    assert len({str(entry) for entry in auths.values()}) == 1


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_the_same_logins_are_the_same_bytes_in_any_order(name: str) -> None:
    several = [login(f"{n}.example") for n in "cab"]
    if name in {"argocd", "nomad", "password", "user-pass"}:
        several = several[:1]
    found = {render(name, order) for order in itertools.permutations(several)}
    assert len(found) == 1


@pytest.mark.parametrize(
    "name", ["docker-config", "containers-auth", "kubernetes-secret", "contrast-toml"]
)
def test_one_registry_under_two_names_has_one_credential(name: str) -> None:
    same = [login("docker.io"), login("index.docker.io")]
    assert render(name, same) == render(name, same[:1])
    with pytest.raises(InvalidInputError, match="are one registry with two"):
        render(name, [same[0], login("index.docker.io", secret="other")])


def test_podman_is_given_namespaces_each_with_its_own_login() -> None:
    several = [
        login("docker.io"),
        login("index.docker.io/team", secret="other"),
        login("https://ghcr.io/v2/"),
    ]
    auths = json.loads(render("containers-auth", several))["auths"]
    assert list(auths) == ["docker.io", "docker.io/team", "ghcr.io"]
    assert auths["docker.io"] != auths["docker.io/team"]


@pytest.mark.parametrize("name", ["docker-config", "helm", "env", "contrast-toml"])
def test_a_namespace_is_refused_where_clients_look_up_hosts(name: str) -> None:
    with pytest.raises(InvalidInputError, match="by host, not by path"):
        render(name, [login("ghcr.io/team")])


def test_an_identity_token_stands_where_docker_and_podman_look_for_it() -> None:
    for name in ("docker-config", "containers-auth"):
        auths = json.loads(render(name, [TOKEN]))["auths"]
        assert auths == {HOST: {"auth": "PHRva2VuPjo=", "identitytoken": "refresh"}}


@pytest.mark.parametrize(
    "name, options",
    [
        ("argocd", {}),
        ("containers-auth", {"consumer": "coco"}),
        ("contrast-secret", {}),
        ("contrast-toml", {}),
        ("env", {}),
        ("kubernetes-secret", {}),
        ("nomad", {}),
        ("password", {}),
        ("user-pass", {}),
    ],
)
def test_an_identity_token_is_refused_where_it_cannot_be_used(name, options) -> None:
    with pytest.raises(InvalidInputError, match="has an identity token, and .* takes"):
        render(name, [TOKEN], **options)


# In Nomad's format user and password are separate items; `password` has no user.
@pytest.mark.parametrize("name", sorted(formats.FORMATS.keys() - {"nomad", "password"}))
def test_a_user_with_a_colon_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="colon"):
        render(name, [login(user="a:b")])


@pytest.mark.parametrize("name", ["argocd", "nomad", "password", "user-pass"])
def test_two_registries_are_refused_where_one_is_meant(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is for one registry, and 2"):
        render(name, [login(), login("ghcr.io")])


def test_the_secret_of_kubernetes_has_kubelets_payload_and_its_end() -> None:
    made = json.loads(render("kubernetes-secret", [login(ends=ENDS + 9.9), *ONE]))
    payload = base64.b64decode(made["data"].pop(".dockerconfigjson"))
    entry = {"username": USER, "password": SECRET, "auth": AUTH}
    assert json.loads(payload) == {"auths": {HOST: entry}}
    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "dockcred",
            "annotations": {"dockcred/expires-at": "2027-01-15T08:00:09Z"},
        },
        "type": "kubernetes.io/dockerconfigjson",
        "data": {},
    }


def test_many_namespaces_are_a_list_of_secrets() -> None:
    made = json.loads(render("kubernetes-secret", namespaces=("b", "a", "b"), name="x"))
    assert made["kind"] == "List"
    assert [item["metadata"] for item in made["items"]] == [
        {"name": "x", "namespace": "a"},
        {"name": "x", "namespace": "b"},
    ]


def test_kubernetes_finds_docker_hub_and_namespaces() -> None:
    several = [login("docker.io"), login("docker.io/team"), login("ghcr.io/team")]
    found = json.loads(kubernetes_render.payload(several))["auths"]
    assert list(found) == ["docker.io/team", "ghcr.io/team", HUB_URL]


@pytest.mark.parametrize(
    "options",
    [{"name": "A"}, {"name": "a/b"}, {"name": "a" * 254}, {"namespaces": ("a.b",)}],
)
def test_a_name_that_kubernetes_refuses_is_refused(options) -> None:
    with pytest.raises(InvalidInputError):
        render("kubernetes-secret", **options)


def test_contrast_is_given_quoted_tables_with_auth_alone() -> None:
    text = render("contrast-toml", [login("ghcr.io"), login("docker.io"), *ONE])
    assert tomllib.loads(text) == {
        "registries": {
            f"{host}.": {"auth": AUTH} for host in (HOST, "ghcr.io", "index.docker.io")
        }
    }
    assert f'[registries."{HOST}."]\n' in text


def test_contrast_is_given_authorities_proxies_and_leave_to_trust() -> None:
    pem = trustme.CA().cert_pem.bytes().decode()
    text = render(
        "contrast-toml",
        [login("r.example"), login("lab.example")],
        ca_certs={"r.example": pem},
        insecure=("lab.example",),
        extra_env={"NO_PROXY": "localhost", "HTTPS_PROXY": "http://proxy.example:3128"},
    )
    assert tomllib.loads(text) == {
        "extra-env": {
            "HTTPS_PROXY": "http://proxy.example:3128",
            "NO_PROXY": "localhost",
        },
        "registries": {
            "r.example.": {"auth": AUTH, "ca-certs": pem},
            "lab.example.": {"auth": AUTH, "insecure-skip-verify": True},
        },
    }


@pytest.mark.parametrize(
    "host",
    [
        "azurecr.io:443",
        "azurecr.io",
        "azurecr.us",
        "pkg.dev",
        "amazonaws.com",
        "eu-west-1.amazonaws.com",
        "dkr.ecr.eu-west-1.amazonaws.com",
        "ecr.aws",
        "localhost:5000",
    ],
)
def test_contrast_refuses_a_domain_of_many_registries(host: str) -> None:
    with pytest.raises(InvalidInputError, match="a domain of many registries"):
        render("contrast-toml", [login(host)])


@pytest.mark.parametrize("host", ["10.0.0.1", "10.0.0.1:5000", "[::1]:5000"])
def test_contrast_refuses_an_address(host: str) -> None:
    with pytest.raises(InvalidInputError, match="finds registries by name"):
        render("contrast-toml", [login(host)])


@pytest.mark.parametrize(
    "host", ["gcr.io", "eu.gcr.io", "contoso.azurecr.io", "ghcr.io", "public.ecr.aws"]
)
def test_contrast_takes_a_registry_of_its_own(host: str) -> None:
    assert list(tomllib.loads(render("contrast-toml", [login(host)]))["registries"])


def test_contrast_warns_of_a_port() -> None:
    several = [login("r.example:5000"), login("ghcr.io")]
    for name in ("contrast-toml", "contrast-secret"):
        (said,) = formats.cautions(name, several)
        assert said.startswith("r.example:5000: ")
    assert not list(formats.cautions("docker-config", several))


@pytest.mark.parametrize(
    "options, match",
    [
        ({"ca_certs": {HOST: "no PEM"}}, "no certificates"),
        ({"ca_certs": {"other.example": ""}}, "none of the registries"),
        ({"insecure": ("other.example",)}, "none of the registries"),
        ({"extra_env": {"LD_PRELOAD": "x"}}, "sets no 'LD_PRELOAD'"),
        ({"extra_env": {"NO_PROXY": ""}}, "NO_PROXY is not set"),
    ],
)
def test_contrast_refuses_what_it_would_pass_over(options, match: str) -> None:
    with pytest.raises(InvalidInputError, match=match):
        render("contrast-toml", **options)


def test_contrasts_secret_holds_the_file_where_the_installer_looks() -> None:
    made = json.loads(render("contrast-secret"))
    data = base64.b64decode(made["data"]["contrast-imagepuller.toml"]).decode()
    assert data == render("contrast-toml")
    assert made["type"] == "Opaque"
    assert made["metadata"] == {
        "name": "contrast-node-installer-imagepuller-config",
        "namespace": "kube-system",
    }


def test_nomad_is_given_the_items_of_an_auth_block() -> None:
    made = json.loads(render("nomad", [login("docker.io")], name="nomad/jobs/app"))
    assert made == {
        "Path": "nomad/jobs/app",
        "Items": {"server_address": "docker.io", "username": USER, "password": SECRET},
    }
    assert "Path" not in json.loads(render("nomad"))
    with pytest.raises(InvalidInputError, match="no path"):
        render("nomad", name="a.b")


def test_pairs_are_one_line() -> None:
    assert render("user-pass") == f"{USER}:{SECRET}"
    assert render("password") == SECRET
    assert render("argocd") == f"{USER}:{SECRET}\n"
    with pytest.raises(InvalidInputError, match="more than one line"):
        render("argocd", [login(secret="a\nb")])


def test_a_shell_reads_back_every_secret() -> None:
    """Quotes, blanks, dollar signs and newlines are escaped; no command is run."""
    secret = "it's $(touch /tmp/x) \"\\ `id`\nend"
    text = render("env", [login(secret=secret)])
    done = subprocess.run(
        ["sh", "-c", 'eval "$1"; printf %s "$REGISTRY_PASSWORD"', "sh", text],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == secret


def test_dotenv_is_a_line_for_each_variable() -> None:
    lines = render("env", consumer="dotenv").splitlines()
    assert lines == [
        f'DOCKER_AUTH_CONFIG={{"auths":{{"{HOST}":{{"auth":"{AUTH}"}}}}}}',
        f"REGISTRY={HOST}",
        f"REGISTRY_USER={USER}",
        f"REGISTRY_PASSWORD={SECRET}",
    ]
    with pytest.raises(InvalidInputError, match="more than one line"):
        render("env", [login(secret="a\nb")], consumer="dotenv")


def test_several_registries_are_in_one_variable() -> None:
    (line,) = render("env", [login(), login("ghcr.io")]).splitlines()
    assert line.startswith("export DOCKER_AUTH_CONFIG='{")


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("docker-config", {"namespaces": ("a",)}, "takes no namespaces"),
        ("docker-config", {"consumer": "coco"}, "takes no consumer"),
        ("containers-auth", {"consumer": "helm"}, "knows no reader"),
        ("nonsense", {}, "there is no format"),
    ],
)
def test_an_option_that_would_be_passed_over_is_refused(name, options, match) -> None:
    with pytest.raises(InvalidInputError, match=match):
        render(name, **options)


TEXTS = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=60)
READ: dict[str, Callable[[str], str]] = {
    "argocd": lambda text: text.removesuffix("\n"),
    "containers-auth": lambda text: _pair(json.loads(text)["auths"][HOST]),
    "contrast-secret": lambda text: READ["contrast-toml"](_data(text)),
    "contrast-toml": lambda text: _pair(tomllib.loads(text)["registries"][f"{HOST}."]),
    "docker-config": lambda text: _pair(json.loads(text)["auths"][HOST]),
    "env": lambda text: _pair(json.loads(shlex.split(text)[1][19:])["auths"][HOST]),
    "helm": lambda text: _pair(json.loads(text)["auths"][HOST]),
    "kubernetes-secret": lambda text: _pair(json.loads(_data(text))["auths"][HOST]),
    "nomad": lambda text: "{username}:{password}".format_map(json.loads(text)["Items"]),
    "password": lambda text: f"{USER}:{text}",
    "user-pass": lambda text: text,
}


def test_every_format_is_read_back() -> None:
    assert READ.keys() == formats.FORMATS.keys()


@settings(max_examples=60, deadline=None)
@given(TEXTS.filter(lambda user: ":" not in user and user != "<token>"), TEXTS)
def test_each_format_gives_back_the_very_user_and_password(user, secret) -> None:
    for name, read in READ.items():
        who = USER if name == "password" else user
        text = render(name, [login(user=who, secret=secret)])
        assert read(text) == f"{who}:{secret}"


def _pair(entry: dict[str, str]) -> str:
    return base64.b64decode(entry["auth"], validate=True).decode()


def _data(text: str) -> str:
    (data,) = json.loads(text)["data"].values()
    return base64.b64decode(data, validate=True).decode()
