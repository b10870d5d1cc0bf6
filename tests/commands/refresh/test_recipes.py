"""The recipes of docs/refresh.md, run as they are written there."""

from __future__ import annotations

import base64
import json
import re
import tomllib

import pytest
import yaml
from support.documents import ROOT, blocks
from support.program import HOST

from .api_server import kustomized
from .test_secrets import workload

PAGE = ROOT / "docs/refresh.md"
TOML = [block for block in blocks("toml") if block.page == PAGE]
KBS_CLIENT = """#!/bin/sh
while [ "$1" != --resource-file ]; do shift; done
cat "$2" >"$HOME/kbs"
"""


def recipe(word: str, kind: str = "toml") -> str:
    """Return the page's only block with this word."""
    (found,) = (b for b in blocks(kind) if b.page == PAGE and word in b.text)
    return found.text


@pytest.fixture
def keeper(make_keeper, cloud, api):
    """A Keeper with the manifests' account; `use` moves its files below the home."""
    api.kubectl("apply", "-f", "-", stdin=kustomized("base"))
    token = api.kubectl("create", "token", "dockcred-refresh", "-n", "dockcred")
    config = api.kubeconfig(token.strip(), "recipes")
    return make_keeper(cloud, inside=True, KUBECONFIG=config)


@pytest.fixture
def use(keeper):
    def write(text: str) -> None:
        home = f"{keeper.home}/run"
        keeper.file.write_text(text.replace("/run/dockcred-refresh", home))

    return write


@pytest.fixture
def namespace(api):
    """Return a function that creates a namespace, if it does not exist."""

    def make(name: str, **labels: str) -> None:
        metadata = {"name": name, "labels": labels}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        api.kubectl("apply", "-f", "-", stdin=json.dumps(body))

    return make


def password(api, name: str, space: str) -> str:
    held = api.get("secret", name, space)["data"][".dockerconfigjson"]
    return json.loads(base64.b64decode(held))["auths"][HOST]["password"]


def test_the_first_example_and_what_it_prints(keeper, use, namespace, api, cloud):
    namespace("apps")
    api.kubectl("apply", "-f", "-", stdin=recipe("kind: Namespace", "yaml"))
    use(recipe("[[target]]                       # a file"))
    console = next(b for b in blocks("console") if b.page == PAGE)
    (_, once), (_, status) = console.steps()
    done = sorted(keeper.once())
    assert len(done) == 3
    shown = [line.partition(": it is good until 20") for line in once.splitlines()]
    home = f"{keeper.home}/run"
    for (name, good, _), line in zip(shown, done, strict=False):
        assert good
        assert line.startswith(name.replace("/run/dockcred-refresh", home) + good)
    assert "shop/registry-pull" in done[-1]
    assert [line.removeprefix("wrote ") for line in done] == (
        keeper.run("--status").stdout.decode().splitlines()
    )
    assert re.sub(r"^wrote ", "", once, flags=re.MULTILINE) == status
    assert cloud.minted(password(api, "registry-pull", "shop"))


def test_contrast_s_secret_and_its_daemonset(keeper, use, api, cloud):
    api.kubectl("apply", "-f", "-", stdin=recipe("kind: RoleBinding", "yaml"))
    text = recipe("contrast-secret")
    (target,) = tomllib.loads(text)["target"]
    (name,) = (word.partition("/")[2] for word in target["rollout"])
    api.create(workload("DaemonSet", name, "kube-system"))
    use(text)
    assert len(keeper.once()) == 1
    held = api.get("secret", target["secret"], "kube-system")["data"]
    (content,) = map(base64.b64decode, held.values())
    auth = tomllib.loads(content.decode())["registries"][f"{HOST}."]["auth"]
    assert cloud.minted(base64.b64decode(auth).decode().partition(":")[2])
    assert api.get("daemonset", name, "kube-system")["metadata"]["generation"] == 2


def test_a_guest_and_its_host_have_one_credential(keeper, use, namespace, api, cloud):
    namespace("confidential")
    client = keeper.home / "bin/kbs-client"
    client.parent.mkdir()
    client.write_text(KBS_CLIENT)
    client.chmod(0o755)
    keeper.environment["PATH"] = f"{client.parent}:/usr/bin:/bin"
    keeper.environment["DOCKCRED_CACHE"] = "off"
    keeper.environment["HOME"] = str(keeper.home)
    use(recipe("kbs-client"))
    assert len(keeper.once()) == 2
    given = json.loads((keeper.home / "kbs").read_text())["auths"][HOST]["auth"]
    assert base64.b64decode(given).decode() == (
        f"AWS:{password(api, 'registry-pull', 'confidential')}"
    )
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1


def test_argo_cd_s_line(keeper, use, namespace, api, cloud):
    """The manifests' role does not allow this Secret; the page adds it."""
    namespace("argocd")
    rules = api.get("clusterrole", "dockcred-refresh")["rules"]
    rules[0]["resourceNames"].append("registry")
    api.patch("clusterrole", "dockcred-refresh", "", {"rules": rules})
    use(recipe('key = "creds"'))
    keeper.once()
    held = api.get("secret", "registry", "argocd")["data"]["creds"]
    user, _, secret = base64.b64decode(held).decode().partition(":")
    assert user == "AWS"
    assert cloud.minted(secret)


def test_the_file_of_the_timer(keeper, use, cloud, helper_bin):
    """Run by the command of the systemd unit."""
    use(recipe('format = "password"'))
    unit = (ROOT / "packaging/systemd/dockcred-refresh@.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    program, *words = command.split()
    assert program == "/usr/local/bin/dockcred"
    assert words[-1] == "/etc/dockcred/refresh/%i.toml"
    words[-1] = str(keeper.file)
    done = keeper.program(*words, environment=keeper.environment)
    assert done.status == 0, done.stderr
    assert cloud.minted((keeper.home / "run/mirror.password").read_text())


@pytest.mark.parametrize("block", TOML, ids=str)
def test_every_file_on_the_page_is_one(block, keeper, use):
    from dockcred.commands.refresh.targets_file import read

    use(block.text)
    assert read(str(keeper.file))


def test_every_document_on_the_page_is_one():
    for block in blocks("yaml"):
        if block.page == PAGE:
            assert all("kind" in each for each in yaml.safe_load_all(block.text))
