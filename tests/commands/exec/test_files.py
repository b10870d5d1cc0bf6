"""The files a command finds: our helper for its registries, all else unchanged."""

from __future__ import annotations

import base64
import json
import sys
import tomllib
from pathlib import Path

import pytest
from support.program import HOST, Program

from .conftest import Caller, in_mounts
from .test_end import refused

KEY = base64.b64encode(b"me:other-password").decode()
OTHER = HOST.replace("eu-west-1", "us-east-1")
HUB = ("https://index.docker.io/v1/", "docker.io", "index.docker.io")


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def read(caller: Caller, variable: str, file: str = "", **more):
    return json.loads(caller.says(f"cat ${variable}{file}", **more))


def docker(caller: Caller, **more):
    return read(caller, "DOCKER_CONFIG", "/config.json", **more)


@pytest.fixture
def config(caller: Caller) -> Path:
    """A config.json with all kinds of settings that people have in it."""
    return write(
        caller.home / ".docker/config.json",
        {
            "auths": {
                "ghcr.io": {"auth": KEY},
                HOST: {"auth": KEY},
                f"https://{HOST}/v2/": {"auth": KEY},
            },
            "credHelpers": {HOST: "ecr-login", "gcr.io": "gcloud"},
            "credsStore": "desktop",
            "HttpHeaders": {"X-Meta": "1"},
            "proxies": {"default": {"httpProxy": "http://proxy:3128"}},
            "currentContext": "remote",
            "plugins": {"hooks": {"a": "b"}},
        },
    )


@pytest.fixture
def hub(caller: Caller) -> None:
    """Keep a login to Docker Hub in a vault: no cloud serves Docker Hub."""
    caller.environment |= {
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": f"{caller.home}/vault",
        "DOCKCRED_VAULT_KEY_FILE": f"{caller.home}/key",
    }
    vault = Program(str(caller.dockcred))
    key = ("vault", "create", "--key-file", f"{caller.home}/key")
    assert vault(*key, environment=caller.environment).status == 0
    log_in(caller, "me", "hub-password")


def log_in(caller: Caller, user: str, password: str) -> None:
    """Store a login to Docker Hub by the helper, as `docker login` does."""
    login = {"ServerURL": HUB[0], "Username": user, "Secret": password}
    auto = Program(str(caller.dockcred.parent / "docker-credential-auto"))
    text = json.dumps(login).encode()
    assert auto("store", environment=caller.environment, stdin=text).status == 0


def test_our_helper_is_asked_for_the_registry_and_no_secret_is_there(
    caller: Caller,
) -> None:
    password = caller.password()
    expected = {"credHelpers": {HOST: "auto"}}
    assert docker(caller) == read(caller, "HELM_REGISTRY_CONFIG") == expected
    assert read(caller, "REGISTRY_AUTH_FILE") == expected | {"auths": {}}
    script = (
        f"printf {HOST} | docker-credential-auto get; command -v docker-credential-auto"
    )
    answer, path = caller.says(script).splitlines()
    assert json.loads(answer)["Secret"] == password
    assert path.startswith(caller.place)


def test_several_registries_are_named_at_once_or_one_within_the_other(
    caller: Caller,
) -> None:
    both = {HOST: "auto", OTHER: "auto"}
    assert docker(caller, registries=(HOST, OTHER)) == {"credHelpers": both}
    inner = caller.argv("cat", registries=(OTHER,))[:-1]
    script = f'exec {" ".join(inner)} sh -c "cat \\$DOCKER_CONFIG/config.json"'
    assert json.loads(caller.says(script)) == {"credHelpers": both}
    assert caller.leaves_nothing()


def test_the_helper_need_not_be_on_path(caller: Caller) -> None:
    """The helper is taken from the running installation, whatever PATH has."""
    caller.environment["PATH"] = "/usr/bin:/bin"
    assert "Secret" in caller.says(f"printf {HOST} | docker-credential-auto get")


def test_the_place_may_be_one_where_nothing_can_be_run(
    caller: Caller, root: None
) -> None:
    """/dev/shm is such a place in docker's containers: it is mounted noexec."""
    noexec = f"mount -t tmpfs -o noexec,mode=700 none {caller.place}"
    script = f"printf {HOST} | docker-credential-auto get; echo $DOCKER_CONFIG"
    said = caller.does(in_mounts(noexec, *caller.argv("sh", "-c", script))).stdout
    assert "Secret" in said
    assert f"\n{caller.place}" in said


def test_a_helper_planted_in_the_working_directory_is_not_taken(
    caller: Caller, tmp_path: Path
) -> None:
    """Here argv[0] is only a name, without a path, as a launcher may give it."""
    planted = tmp_path / "docker-credential-auto"
    planted.write_text("#!/bin/sh\necho planted\n")
    planted.chmod(0o755)
    caller.environment["PATH"] = f".::{caller.environment['PATH']}"
    code = "import sys; sys.argv[0] = 'dockcred'; from dockcred.commands import main; main()"
    argv = caller.argv("sh", "-c", "readlink $DOCKER_CONFIG/../bin/*")
    done = caller.does([sys.executable, "-c", code, *argv[1:]], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.startswith(str(tmp_path))


@pytest.mark.parametrize(
    "wrong", ["[]", "{", '{"auths": []}', '{"credHelpers": "auto"}', "\xff"]
)
def test_a_broken_file_is_named(caller: Caller, wrong: str) -> None:
    for name in (
        ".docker/config.json",
        ".config/helm/registry/config.json",
        ".dockercfg",
    ):
        path = write(caller.home / name, wrong)
        if name != ".dockercfg" or wrong[0] != "{" or wrong == "{":
            assert f"{path} is " in refused(caller.run("true"))
        path.unlink()


def test_what_says_nothing_is_no_mistake(caller: Caller) -> None:
    write(caller.home / ".docker/config.json", {"auths": None, "credHelpers": None})
    write(caller.home / ".config/containers/auth.json", "")
    caller.environment["DOCKER_AUTH_CONFIG"] = '{"auths": []}'
    assert docker(caller) == {"credHelpers": {HOST: "auto"}}
    said = caller.says("echo $DOCKER_AUTH_CONFIG", options=("--secret-variable",))
    assert list(json.loads(said)["auths"]) == [HOST]


def test_all_else_of_the_persons_config_is_kept(caller: Caller, config: Path) -> None:
    before = config.read_text()
    kept = json.loads(before) | {
        "auths": {"ghcr.io": {"auth": KEY}},
        "credHelpers": {HOST: "auto", "gcr.io": "gcloud"},
    }
    assert docker(caller) == kept
    assert config.read_text() == before


def test_only_hides_the_logins_for_other_registries(
    caller: Caller, config: Path
) -> None:
    write(
        caller.home / ".config/containers/auth.json",
        {"auths": {"quay.io": {"auth": KEY}}},
    )
    caller.environment["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"a.example": {}}})
    found = docker(caller, options=("--only",))
    assert found == {
        "credHelpers": {HOST: "auto"},
        **{
            n: found[n] for n in ("HttpHeaders", "proxies", "currentContext", "plugins")
        },
    }
    assert read(caller, "REGISTRY_AUTH_FILE", options=("--only",)) == {
        "credHelpers": {HOST: "auto"}
    }
    assert caller.says("echo $DOCKER_AUTH_CONFIG", options=("--only",)) == "{}\n"


def test_contexts_plugins_and_builders_are_the_persons_own(caller: Caller) -> None:
    """They are linked, so that a change by the command is kept."""
    own = caller.home / ".docker"
    write(own / "contexts/meta/one/meta.json", "{}")
    write(own / "cli-plugins/docker-x", "")
    write(own / "ca.pem", "certificate")
    write(own / "config.json.before-dockcred", "backup")
    script = """
        ls $DOCKER_CONFIG; cat $DOCKER_CONFIG/ca.pem; echo; echo $BUILDX_CONFIG
        echo new >$DOCKER_CONFIG/contexts/new
    """
    names = ["ca.pem", "cli-plugins", "config.json", "contexts"]
    said = [*names, "certificate", f"{own}/buildx"]
    assert caller.says(script).splitlines() == said
    assert (own / "contexts/new").read_text() == "new\n"
    caller.environment["BUILDX_CONFIG"] = "/elsewhere"
    assert caller.says("echo $BUILDX_CONFIG") == "/elsewhere\n"


def test_a_directory_named_by_the_caller_is_the_one_carried(
    caller: Caller, tmp_path: Path
) -> None:
    write(tmp_path / "config.json", {"auths": {"ghcr.io": {"auth": KEY}}})
    caller.environment["DOCKER_CONFIG"] = str(tmp_path)
    assert docker(caller)["auths"] == {"ghcr.io": {"auth": KEY}}
    caller.environment["DOCKER_CONFIG"] = str(tmp_path / "config.json")
    assert "DOCKER_CONFIG is a file" in refused(caller.run("true"))


def test_podmans_files_become_one_and_the_first_that_names_a_registry_wins(
    caller: Caller, config: Path
) -> None:
    home = caller.home
    named = write(home / "named.json", {"auths": {"a.example": {"auth": "first"}}})
    caller.environment["REGISTRY_AUTH_FILE"] = str(named)
    write(
        home / ".config/containers/auth.json",
        {
            "auths": {
                "a.example": {"auth": "second"},
                "a.example/team": {"auth": "second"},
                "a.example.org": {"auth": KEY},
                "quay.io/team": {"auth": KEY},
                "ghcr.io": {},
            },
            "credHelpers": {"a.example": "pass", "b.example": "pass"},
        },
    )
    write(
        home / ".dockercfg",
        {"old.example": {"auth": KEY}, f"{HOST}/team": {"auth": KEY}},
    )
    assert read(caller, "REGISTRY_AUTH_FILE") == {
        "credHelpers": {HOST: "auto", "b.example": "pass", "gcr.io": "gcloud"},
        "auths": {
            "a.example": {"auth": "first"},
            "a.example.org": {"auth": KEY},
            "quay.io/team": {"auth": KEY},
            "ghcr.io": {"auth": KEY},
            "old.example": {"auth": KEY},
        },
    }


def test_podman_whose_registries_conf_asks_another_helper_reads_our_file_first(
    caller: Caller,
) -> None:
    directory = caller.home / ".config/containers"
    assert caller.says("echo $CONTAINERS_REGISTRIES_CONF") == "\n"
    write(
        directory / "registries.conf",
        """
        unqualified-search-registries = ["one.example"]
        credential-helpers = ["secretservice", "containers-auth.json"]
        [[registry]]
        location = "mirrored.example"
        blocked = true
        [aliases]
        "a" = "one.example/a"
        """,
    )
    write(
        directory / "registries.conf.d/1.conf",
        """
        [[registry]]
        location = "mirrored.example"
        [[registry.mirror]]
        location = "mirror.example"
        [aliases]
        "b" = "two.example/b"
        """,
    )
    expected = {
        "unqualified-search-registries": ["one.example"],
        "credential-helpers": ["containers-auth.json", "secretservice"],
        "registry": [
            {"location": "mirrored.example", "mirror": [{"location": "mirror.example"}]}
        ],
    }
    aliases = {"a": "one.example/a", "b": "two.example/b"}
    script = "cat $CONTAINERS_REGISTRIES_CONF"
    joined = tomllib.loads(caller.says(script))
    assert {name: joined[name] for name in expected} == expected
    assert aliases.items() <= joined["aliases"].items()
    alone = tomllib.loads(caller.says(script, options=("--only",)))
    assert alone["credential-helpers"] == ["containers-auth.json"]


def test_podman_6_reads_our_file_first_too(caller: Caller) -> None:
    """It reads registries.conf in XDG_CONFIG_HOME, and the OVERRIDE variable's last."""
    own = "credential-helpers = ['secretservice']\n"
    write(caller.home / "xdg/containers/registries.conf", own)
    caller.environment["XDG_CONFIG_HOME"] = str(caller.home / "xdg")
    joined = tomllib.loads(caller.says("cat $CONTAINERS_REGISTRIES_CONF"))
    assert joined["credential-helpers"] == ["containers-auth.json", "secretservice"]
    last = write(caller.home / "last.conf", "Credential-Helpers = ['pass']\n")
    caller.environment["CONTAINERS_REGISTRIES_CONF_OVERRIDE"] = str(last)
    joined = tomllib.loads(caller.says("cat $CONTAINERS_REGISTRIES_CONF_OVERRIDE"))
    assert joined["credential-helpers"] == ["containers-auth.json", "pass"]


def test_only_asks_no_helper_behind_the_files(caller: Caller) -> None:
    own = "credential-helpers = ['containers-auth.json', 'secretservice']\n"
    write(caller.home / ".config/containers/registries.conf", own)
    assert caller.says("echo $CONTAINERS_REGISTRIES_CONF") == "\n"
    said = caller.says("cat $CONTAINERS_REGISTRIES_CONF", options=("--only",))
    assert tomllib.loads(said)["credential-helpers"] == ["containers-auth.json"]


def test_only_hides_podmans_logins_under_names_in_capitals(caller: Caller) -> None:
    path = caller.home / ".config/containers/auth.json"
    write(path, {"AUTHS": {"quay.io": {"AUTH": KEY}}})
    found = read(caller, "REGISTRY_AUTH_FILE", options=("--only",))
    assert found == {"credHelpers": {HOST: "auto"}}
    assert read(caller, "REGISTRY_AUTH_FILE")["auths"] == {"quay.io": {"auth": KEY}}


@pytest.mark.parametrize("wrong", ["registry = 'a'", "registry = 1", "aliases = [1]"])
def test_a_broken_registries_conf_is_told(caller: Caller, wrong: str) -> None:
    conf = f"credential-helpers = ['secretservice']\n{wrong}\n"
    write(caller.home / ".config/containers/registries.conf", conf)
    assert "registries.conf has" in refused(caller.run("true"))


def test_helms_own_logins_are_kept(caller: Caller) -> None:
    own = caller.home / ".config/helm/registry/config.json"
    write(own, {"auths": {"charts.example": {"auth": KEY}, HOST: {"auth": KEY}}})
    assert read(caller, "HELM_REGISTRY_CONFIG") == {
        "auths": {"charts.example": {"auth": KEY}},
        "credHelpers": {HOST: "auto"},
    }


def test_a_secret_is_written_where_it_is_asked_for_and_nowhere_else(
    caller: Caller,
) -> None:
    password = caller.password()
    auth = base64.b64encode(f"AWS:{password}".encode()).decode()
    asked = {"options": ("--secret",)}
    assert docker(caller, **asked) == {"auths": {HOST: {"auth": auth}}}
    for variable in ("HELM_REGISTRY_CONFIG", "REGISTRY_AUTH_FILE"):
        assert read(caller, variable, **asked)["credHelpers"] == {HOST: "auto"}
    assert auth not in caller.says("env", **asked)
    asked = {"options": ("--secret-variable",)}
    assert docker(caller, **asked) == {"credHelpers": {HOST: "auto"}}
    found = json.loads(caller.says("echo $DOCKER_AUTH_CONFIG", **asked))
    assert found == {"auths": {HOST: {"auth": auth}}}


def test_beside_a_store_the_secret_has_the_helper_with_it(
    caller: Caller, config: Path
) -> None:
    """docker reads no `auths` if config.json has a credsStore."""
    found = docker(caller, options=("--secret",))
    assert list(found["auths"]) == [HOST, "ghcr.io"]
    assert found["credHelpers"][HOST] == "auto"
    assert found["credsStore"] == "desktop"


def test_docker_auth_config_of_the_caller_does_not_name_the_registry(
    caller: Caller,
) -> None:
    """docker 28.3 and later reads it before any file."""
    theirs = {"auths": {HOST: {"auth": KEY}, "ghcr.io": {"auth": KEY}}}
    caller.environment["DOCKER_AUTH_CONFIG"] = json.dumps(theirs)
    found = json.loads(caller.says("echo $DOCKER_AUTH_CONFIG"))
    assert found == {"auths": {"ghcr.io": {"auth": KEY}}}
    caller.environment["DOCKER_AUTH_CONFIG"] = "not JSON"
    assert caller.says("echo $DOCKER_AUTH_CONFIG") == "{}\n"


def test_home_is_a_view_of_the_persons_own(caller: Caller) -> None:
    """Some clients read ~/.docker whatever DOCKER_CONFIG says."""
    write(caller.home / "file", "mine")
    write(caller.home / ".docker/config.json", {"currentContext": "remote"})
    script = 'cat ~/file ~/.docker/config.json; echo new >>~/file; ls -A "$HOME"'
    said = caller.says(script, options=("--home", "--secret"))
    assert said.startswith("mine{")
    assert '"currentContext": "remote"' in said
    assert '"auth": "' in said
    assert (caller.home / "file").read_text() == "minenew\n"
    assert "file" in said.splitlines()


def test_config_names_the_identity_for_us_and_for_the_command(
    caller: Caller, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "config.toml",
        f'[[registry]]\nmatch = "registry.example"\nregistry = "{HOST}"\n',
    )
    more = {"registries": ("registry.example",), "cwd": tmp_path}
    script = (
        "printf registry.example | docker-credential-auto get; echo $DOCKCRED_CONFIG"
    )
    answer, named = caller.says(
        script, options=("--config", file.name), **more
    ).splitlines()
    assert json.loads(answer)["Username"] == "AWS"
    assert named == str(file)
    assert "no.toml" in refused(
        caller.run("true", options=("--config", "no.toml"), **more)
    )


def test_docker_hub_is_named_as_each_client_looks_it_up(
    caller: Caller, hub: None
) -> None:
    write(caller.home / ".docker/config.json", {"auths": {HUB[0]: {}, HUB[2]: {}}})
    named = {"registries": ("docker.io",)}
    helpers = dict.fromkeys(HUB, "auto")
    assert docker(caller, **named) == {"auths": {}, "credHelpers": helpers}
    assert read(caller, "REGISTRY_AUTH_FILE", **named)["credHelpers"] == {
        "docker.io": "auto"
    }
    assert read(caller, "HELM_REGISTRY_CONFIG", **named)["credHelpers"] == {
        HUB[0]: "auto"
    }
    secret = docker(caller, options=("--secret",), **named)
    auth = base64.b64encode(b"me:hub-password").decode()
    assert secret == {"auths": {name: {"auth": auth} for name in HUB}}


@pytest.mark.parametrize("option", ["--secret", "--secret-variable"])
def test_an_identity_token_is_for_helpers_alone(
    caller: Caller, hub: None, option: str
) -> None:
    """A client that calls no helper would send <token> as the user name."""
    log_in(caller, "<token>", "identity-token")
    named = {"registries": ("docker.io",)}
    assert caller.says("echo run", **named) == "run\n"
    assert "identity token" in refused(caller.run("true", options=(option,), **named))
