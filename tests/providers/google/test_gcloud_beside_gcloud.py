"""Whether gcloud has an account: we read its settings as gcloud's own code does."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from google.auth import _cloud_sdk
from hypothesis import strategies as st
from support.differential import meant

from dockcred.providers.google import hosts, logins
from dockcred.system.environment import Environment

from .wire import a_process_of_its_own

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

GCLOUD = shutil.which("gcloud", path="/usr/bin:/usr/local/bin:/snap/bin")
NAMES = ("default", "work", "a-1")
ACTIVE = ("", "default", "work", "NONE", "Not-Valid", "default\n", "gone", "a-1")
LINES = (
    "[core]",
    "[core]",
    "[auth]",
    "[compute]",
    "account = me@example.com",
    "account=me@example.com",
    "Account: me@example.com",
    "account =",
    "  account = me@example.com",
    "project = p",
    "# account = me@example.com",
    "; nothing",
    "access_token_file = /x",
    "account = %(x)s",
    "account",
    "",
    "\taccount = tab@example.com",
    "disable_usage_reporting = True",
)


@pytest.fixture(scope="module")
def gcloud():
    """Import gcloud's own module that reads its settings."""
    if not GCLOUD:
        pytest.skip("gcloud is not installed")
    library = Path(os.path.realpath(GCLOUD)).parents[1] / "lib"
    places = [str(library), str(library / "third_party")]
    held, modules = list(sys.path), set(sys.modules)
    sys.path[:0] = places
    try:
        with a_process_of_its_own(dict(os.environ)):
            return importlib.import_module(
                "googlecloudsdk.core.configurations.named_configs"
            )
    except Exception as error:  # noqa: BLE001 - another gcloud, or another Python
        pytest.skip(f"gcloud is installed and its code does not load here: {error!r}")
    finally:
        sys.path[:] = held
        for name in set(sys.modules) - modules:
            if name.partition(".")[0] != "googlecloudsdk":
                sys.modules.pop(name)


@st.composite
def settings(draw: st.DrawFn) -> tuple[dict[str, str], str | None, dict[str, str]]:
    """Configurations by name, the text of active_config (None: no file), variables."""
    texts = {
        name: "\n".join(draw(st.lists(st.sampled_from(LINES), max_size=5))) + "\n"
        for name in draw(st.sets(st.sampled_from(NAMES)))
    }
    active = draw(st.one_of(st.none(), st.sampled_from(ACTIVE)))
    variables = {}
    if draw(st.integers(0, 3)) == 0:
        variables["CLOUDSDK_ACTIVE_CONFIG_NAME"] = draw(st.sampled_from(ACTIVE))
    if draw(st.integers(0, 5)) == 0:
        value = draw(st.sampled_from(("", "other@example.com")))
        variables["CLOUDSDK_CORE_ACCOUNT"] = value
    return texts, active, variables


def write(home: Path, texts: dict[str, str], active: str | None) -> None:
    """Write gcloud's files of settings, as after its first run."""
    directory = home / ".config/gcloud"
    (directory / "configurations").mkdir(parents=True)
    (directory / "credentials.db").touch()
    for name, text in texts.items():
        (directory / f"configurations/config_{name}").write_text(text)
    if active is not None:
        (directory / "active_config").write_text(active)
    program = home / "bin/gcloud"
    program.parent.mkdir(mode=0o755)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)


def their_account(gcloud, variables) -> str:
    """Return the account that gcloud's code finds; "?" for an error or other login."""
    with a_process_of_its_own(variables):
        gcloud.ActivePropertiesFile.Invalidate()
        if named := variables.get("CLOUDSDK_CORE_ACCOUNT"):
            return named
        try:
            found = gcloud.ActivePropertiesFile.Load()
        except Exception:  # noqa: BLE001 - gcloud reports any error, and exits
            return "?"
        if found.AllProperties().get("auth"):
            return "?"
        return found.Get("core", "account") or ""


def test_whether_gcloud_has_an_account_is_read_as_gcloud_reads_it(gcloud, side_by_side):
    def compare(setting) -> str | None:
        texts, active, variables = setting
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            write(home, texts, active)
            own = {"HOME": directory, "PATH": f"{home}/bin", **variables}
            environment = Environment(own)
            asks = hosts.has_gcloud_login(environment) and bool(
                logins.find(environment)
            )
            account = their_account(gcloud, own)
        if asks == bool(account):
            return None
        if asks:
            return meant("gcloud-asked-once-more")
        raise AssertionError(f"gcloud has {account!r}, and is not asked: {setting}")

    side_by_side(compare, settings())


DIRECTORIES = (None, "", "/a", "~/a", "/a/", "a", "/a b")


def test_the_login_s_file_is_where_google_auth_looks(side_by_side):
    def compare(directory, explicit) -> str | None:
        variables = {"HOME": "/home/me"}
        if directory is not None:
            variables["CLOUDSDK_CONFIG"] = directory
        if explicit is not None:
            variables["GOOGLE_APPLICATION_CREDENTIALS"] = explicit
        ours = hosts.adc_file(Environment(variables))
        with a_process_of_its_own(variables):
            theirs = explicit or _cloud_sdk.get_application_default_credentials_path()
        if os.path.normpath(ours) == os.path.normpath(theirs):
            return None
        if not explicit and directory in {"", "~/a"}:
            return meant("gcloud-directory-of-no-name")
        raise AssertionError(f"{variables}: {ours}, SDK {theirs}")

    chosen = st.one_of(st.none(), st.sampled_from(("", "/key.json", "key.json", "~/k")))
    side_by_side(compare, st.sampled_from(DIRECTORIES), chosen, share=0.2)
