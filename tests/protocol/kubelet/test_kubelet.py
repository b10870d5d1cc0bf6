"""Kubelet's own code reads our configuration and runs the plugin.

k8s.io/kubernetes/pkg/credentialprovider/plugin, of the release in codec/go.mod.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from support.kubelet import VERSIONS
from support.pods import AUDIENCES, is_let_in
from support.pods import IMAGES as POD_IMAGES
from support.program import HOST

from dockcred.testing.sandbox.aws import sts
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role

NAME = "dockcred-credential-provider"
IMAGES = [f"{HOST}/team/app-{number}" for number in range(10)]
MATCHED = ["*.dkr.ecr.*.amazonaws.com", "registry.example:5000"]
TOKENS = """\
    tokenAttributes:
      serviceAccountTokenAudience: sts.amazonaws.com
      cacheType: ServiceAccount
      requireServiceAccount: true
      optionalServiceAccountAnnotationKeys: [eks.amazonaws.com/ecr-role-arn]
"""


@pytest.fixture
def pull(kubelet, plugin, tmp_path):
    """Return a function: kubelet's code looks up credentials for images in parallel."""

    def run(environment, images, *, version="v1", more="", match=MATCHED, **pod):
        config = tmp_path / "credential-provider.yaml"
        config.write_text(
            "apiVersion: kubelet.config.k8s.io/v1\n"
            "kind: CredentialProviderConfig\n"
            "providers:\n"
            f"  - name: {NAME}\n"
            f"    apiVersion: credentialprovider.kubelet.k8s.io/{version}\n"
            f"    matchImages: {json.dumps(match)}\n"
            '    defaultCacheDuration: "1m"\n' + more
        )
        bin_dir = str(Path(plugin.path).parent)
        text = json.dumps({"images": images} | pod).encode()
        answer = kubelet(
            *("pull", str(config), bin_dir), environment=environment, stdin=text
        )
        assert answer.status == 0, answer.stderr
        return json.loads(answer.stdout), answer.stderr.decode()

    return run


@pytest.mark.parametrize("version", VERSIONS)
def test_ten_images_of_one_registry_are_one_mint(version, pull, node, cloud):
    """K10: kubelet runs ten plugins at the same time, each for its own image."""
    found, _ = pull(node(), IMAGES, version=version)
    assert {credential["username"] for credential in found} == {"AWS"}
    (password,) = {credential["password"] for credential in found}
    assert cloud.minted(password).host == HOST
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1


def test_a_registry_that_is_nobody_s_is_pulled_anonymously(pull, node):
    found, said = pull(node(), ["registry.example:5000/a/b"])
    assert found == [{"username": "", "password": ""}]
    assert "rror" not in said


def test_what_kubelet_logs_of_a_failure_is_our_one_line(pull, node, cloud):
    """K9: kubelet's log has the cause, and there is no credential."""
    cloud.fail("ecr:access-denied")
    found, said = pull(node(), IMAGES[:1])
    assert found[0]["password"] == ""
    assert "AWS denies ecr:GetAuthorizationToken" in said


def test_a_port_that_the_configuration_names_comes_back(pull, node, tmp_path):
    """K11: kubelet matches our key against the image, including the port."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'[[registry]]\nmatch = "registry.example:5000"\nregistry = "{HOST}"\n'
    )
    config.chmod(0o644)
    environment = node(DOCKCRED_CONFIG=str(config))
    found, _ = pull(environment, ["registry.example:5000/a/b"])
    assert found[0]["username"] == "AWS"


def test_a_path_s_identity_opens_that_path_alone(pull, node, cloud, tmp_path):
    """cacheKeyType is Image: a cache by registry would leak team's credential."""
    key = cloud.aws.keys.permanent(ACCOUNT, "team")
    credentials = tmp_path / "credentials"
    credentials.write_text(
        f"[team]\naws_access_key_id = {key.access_key_id}\n"
        f"aws_secret_access_key = {key.secret_access_key}\n"
    )
    config = tmp_path / "config.toml"
    config.write_text(f'[[registry]]\nmatch = "{HOST}/team"\nprofile = "team"\n')
    config.chmod(0o644)
    environment = node(
        DOCKCRED_CONFIG=str(config), AWS_SHARED_CREDENTIALS_FILE=str(credentials)
    )
    found, _ = pull(environment, [f"{HOST}/team/app", f"{HOST}/other/app"])
    team, other = (cloud.minted(credential["password"]) for credential in found)
    assert team.principal.endswith("user/team")
    assert "instance-profile" in other.principal


def _token(cloud, name: str, uid: str) -> str:
    account = {"name": name, "uid": uid}
    return cloud.aws.issuer.issue(
        subject=f"system:serviceaccount:team:{name}",
        audience=sts.AUDIENCE,
        issued_at=time.time(),
        lifetime_s=3600,
        **{"kubernetes.io": {"namespace": "team", "serviceaccount": account}},
    )


def test_a_pod_s_own_account_pulls(pull, node, cloud):
    """K13: kubelet passes the token, and the annotation that is configured."""
    subject = "system:serviceaccount:team:builder"
    role = cloud.aws.add_role(Role(ACCOUNT, "pull", trusts=subject))

    def pod(name: str, uid: str) -> dict[str, object]:
        annotations = {"eks.amazonaws.com/ecr-role-arn": role.arn, "other": "x"}
        return {
            "namespace": "team",
            "account": name,
            "uid": uid,
            "annotations": annotations,
            "token": _token(cloud, name, uid),
        }

    found, _ = pull(node(), IMAGES, more=TOKENS, **pod("builder", "uid-1"))
    (password,) = {credential["password"] for credential in found}
    assert "assumed-role/pull/team@builder" in cloud.minted(password).principal
    assert cloud.calls["sts:AssumeRoleWithWebIdentity"] == 1
    found, said = pull(node(), IMAGES[:1], more=TOKENS, **pod("thief", "uid-2"))
    assert found[0]["password"] == ""
    assert re.search("AssumeRoleWithWebIdentity", said)


@pytest.mark.parametrize("kind", POD_IMAGES)
def test_a_pod_s_token_is_exchanged_as_config_toml_says(kind, pull, cluster):
    """kubelet gets the exchanged credential; no registry gets the raw token."""
    image = POD_IMAGES[kind]
    environment = cluster.variables(cluster.settings(kind))
    token = cluster.token(kind)
    pod = {"namespace": "team", "account": "builder", "uid": "uid-builder"}
    found, said = pull(
        environment,
        [image],
        more=TOKENS.replace("sts.amazonaws.com", AUDIENCES[kind]),
        match=[image.partition("/")[0]],
        annotations={},
        token=token,
        **pod,
    )
    (login,) = found
    assert is_let_in(cluster, kind, login), said
    assert login["password"] != token
    thief = {**pod, "account": "thief", "uid": "uid-thief"}
    if kind == "google":
        return  # the pool accepts any subject; IAM decides
    found, said = pull(
        environment,
        [image],
        more=TOKENS.replace("sts.amazonaws.com", AUDIENCES[kind]),
        match=[image.partition("/")[0]],
        annotations={},
        token=cluster.token(kind, "thief"),
        **thief,
    )
    assert found[0]["password"] == ""
    assert "system:serviceaccount:team:thief" in said
