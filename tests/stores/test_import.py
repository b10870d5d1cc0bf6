"""`dockcred import` removes a login only after it has read back an equal one."""

from __future__ import annotations

import base64
import json
import os

import pytest

from .places import set_up_pass, stop_gpg


def auth(user, secret):
    return {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}


AUTHS = {
    "r.io": auth("user", "pass:with:colons é"),
    "https://index.docker.io/v1/": {**auth("hub", "stale"), "identitytoken": "token"},
    "logged-in-by-store.io": {},
}


@pytest.fixture
def config(vault):
    """Provide a docker configuration with credentials in plain text."""
    path = vault.path / ".docker/config.json"
    path.parent.mkdir(mode=0o700)
    path.write_text(json.dumps({"auths": AUTHS, "psFormat": "table é"}))
    path.chmod(0o600)
    return path


def test_a_dry_run_says_all_and_changes_nothing(vault, config):
    before = config.read_bytes()
    ran = vault.run("dockcred", "import", "--dry-run", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("would be imported") == 2
    assert config.read_bytes() == before
    assert vault.helper.list() == {}


def test_dockers_credentials_are_imported_and_stay_until_removal_is_asked(
    vault, config
):
    before = config.read_bytes()
    ran = vault.run("dockcred", "import")
    assert ran.stdout.count("imported, read back equal") == 2
    assert vault.helper.get("r.io") == ("user", "pass:with:colons é")
    assert vault.helper.get("docker.io") == ("<token>", "token")
    assert config.read_bytes() == before


def test_removal_leaves_no_secret_no_copy_and_all_the_rest(vault, config):
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert "Removed 2" in ran.stdout
    content = json.loads(config.read_text())
    assert content == {"auths": {"logged-in-by-store.io": {}}, "psFormat": "table é"}
    assert config.stat().st_mode & 0o777 == 0o600
    record = config.parent / "config.json.dockcred-undo"
    assert set(config.parent.iterdir()) == {config, record}
    assert json.loads(record.read_text())["moved"] == sorted(
        key for key in AUTHS if key != "logged-in-by-store.io"
    )
    found = vault.everything()
    for entry in AUTHS.values():
        for secret in entry.values():
            assert secret.encode() not in found


def test_no_secret_is_printed(vault, config):
    for arguments in (["--dry-run"], [], ["--remove"]):
        ran = vault.run("dockcred", "import", *arguments)
        for secret in ("pass:with", "stale", "token\n", AUTHS["r.io"]["auth"]):
            assert secret not in ran.stdout + ran.stderr


def test_what_the_store_keeps_already_is_not_replaced_unasked(vault, config):
    vault.helper.store("r.io", "other", "newer")
    ran = vault.run("dockcred", "import", "--remove")
    assert "r.io (user): left out: other is kept there" in ran.stdout
    assert vault.helper.get("r.io") == ("other", "newer")
    assert "r.io" in json.loads(config.read_text())["auths"]
    vault.run("dockcred", "import", "--replace", "--remove")
    assert vault.helper.get("r.io") == ("user", "pass:with:colons é")
    assert "r.io" not in json.loads(config.read_text())["auths"]


def test_a_namespace_is_imported_beside_its_registrys_other_user(vault):
    vault.helper.store("quay.io", "somebody", "else")
    path = vault.path / "auth.json"
    path.write_text(json.dumps({"auths": {"quay.io/team": auth("robot", "s")}}))
    ran = vault.run("dockcred", "import", str(path))
    assert "imported, read back equal" in ran.stdout
    assert vault.helper.get("quay.io/team/app") == ("robot", "s")
    assert vault.helper.get("quay.io") == ("somebody", "else")


def test_a_store_that_fails_leaves_the_plaintext(vault, config):
    before = config.read_bytes()
    vault.key_file.unlink()
    ran = vault.run("dockcred", "import", "--remove")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert config.read_bytes() == before


def test_a_linked_configuration_stays_a_link(vault, config):
    real = vault.path / "dotfiles.json"
    os.rename(config, real)
    config.symlink_to(real)
    vault.run("dockcred", "import", "--remove")
    assert config.is_symlink()
    assert json.loads(real.read_text())["auths"] == {"logged-in-by-store.io": {}}


def test_podmans_credentials_are_imported(vault):
    path = vault.path / "auth.json"
    path.write_text(json.dumps({"auths": {"quay.io/team": auth("robot", "s")}}))
    vault.variables["REGISTRY_AUTH_FILE"] = str(path)
    ran = vault.run("dockcred", "import", "podman", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert vault.helper.get("quay.io/team/app") == ("robot", "s")
    assert json.loads(path.read_text()) == {"auths": {}}


def test_a_file_is_named_by_its_path(vault):
    path = vault.path / "other.json"
    path.write_text(json.dumps({"auths": {"r.io": {"username": "u", "password": "p"}}}))
    assert vault.run("dockcred", "import", str(path)).returncode == 0
    assert vault.helper.get("r.io") == ("u", "p")


def test_keys_that_no_request_can_name_are_left_out(vault):
    path = vault.path / "other.json"
    path.write_text(json.dumps({"auths": {"ftp://r.io": auth("u", "\x1b[31m")}}))
    ran = vault.run("dockcred", "import", str(path), "--remove")
    assert "left out" in ran.stdout
    assert "\x1b" not in ran.stdout
    assert "ftp://r.io" in path.read_text()


def test_the_other_stores_are_imported_from(vault):
    """Logins that docker's helper wrote to `pass` are moved to the vault."""
    set_up_pass(vault)
    peer = vault.peer("pass")
    peer.store("https://r.io", "user", "secret")
    ran = vault.run("dockcred", "import", "pass", "--to", "vault", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert vault.helper.get("r.io") == ("user", "secret")
    assert peer.list() == {}
    stop_gpg(vault)


def test_a_source_that_is_the_store_itself_loses_nothing(vault):
    vault.helper.store("r.io", "user", "secret")
    ran = vault.run("dockcred", "import", "vault", "--remove")
    assert "left out" in ran.stdout
    assert vault.helper.get("r.io") == ("user", "secret")


def test_each_credential_goes_where_a_get_will_look_for_it(vault, config):
    set_up_pass(vault)
    file = vault.path / ".config/dockcred/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[[registry]]\nmatch = "r.io"\nstore = "pass"\n')
    file.chmod(0o600)
    ran = vault.run("dockcred", "import", "--remove")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert vault.peer("pass").list() == {"r.io": "user"}
    assert vault.helper.get("r.io") == ("user", "pass:with:colons é")
    assert vault.helper.get("docker.io") == ("<token>", "token")
    stop_gpg(vault)


def test_a_source_that_is_not_there_is_one_line(vault):
    ran = vault.run("dockcred", "import", "docker")
    assert ran.returncode == 1
    assert "there is no" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "text",
    [
        '{"AUTHS": {"r.io": {"AUTH": "%s"}}}',
        '{"auth\u017f": {"r.io": {"auth": "%s"}}}',
        '{"auths": {"r.io": {"auth": "%s"}}, "Auths": {"other": {}}}',
        '{"auths": {"r.io": {"auth": "%s"}, "r.io": {"Auth": "%s"}}}',
    ],
)
def test_names_are_those_that_docker_takes(vault, config, text):
    """Names match in any case, equal names are joined, and all of them are removed."""
    config.write_text(text.replace("%s", auth("user", "s3cr3t")["auth"]))
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert "Removed 1" in ran.stdout, ran.stdout
    assert vault.helper.get("r.io") == ("user", "s3cr3t")
    assert auth("user", "s3cr3t")["auth"] not in config.read_text()
    assert json.loads(config.read_text())


@pytest.mark.parametrize(
    "content, why",
    [
        ({"auths": {"r.io": {"auth": "bWU6cHc"}}}, "is not the base64"),
        ({"auths": {"r.io": auth("", "pw")}}, "is not the base64"),
        ({"auths": {"r.io": auth("me", "pw")}, "experimental": True}, "is no text"),
    ],
)
def test_what_docker_does_not_decode_is_left_out_by_name(vault, config, content, why):
    config.write_text(json.dumps(content))
    before = config.read_bytes()
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert "r.io: left out: " in ran.stdout
    assert why in ran.stdout
    assert config.read_bytes() == before
    assert vault.helper.list() == {}


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"[]", b"{", b'{"auths": NaN}']
)
def test_a_file_that_docker_does_not_read_is_one_line(vault, config, data):
    config.write_bytes(data)
    ran = vault.run("dockcred", "import", "docker")
    assert ran.returncode == 1
    assert "is not a JSON object to its client" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert config.read_bytes() == data


def test_auth_json_is_read_as_podman_reads_it(vault):
    """Podman ignores username and password; a value of a wrong type is an error."""
    path = vault.path / "auth.json"
    path.write_text(json.dumps({"auths": {"r.io": {"username": "u", "password": "p"}}}))
    assert "Nothing to import." in vault.run("dockcred", "import", str(path)).stdout
    path.write_text(json.dumps({"auths": {"r.io": auth("u", "p"), "o.io": "x"}}))
    ran = vault.run("dockcred", "import", str(path))
    assert ran.returncode == 1
    assert "is no object" in ran.stderr
