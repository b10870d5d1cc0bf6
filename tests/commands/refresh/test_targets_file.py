"""A wrong file of targets is refused as a whole, with the target and the remedy."""

from __future__ import annotations

import os

import pytest
from support.program import HOST

from dockcred.commands.refresh.file import FileDestination
from dockcred.commands.refresh.namespaces import SecretsDestination
from dockcred.commands.refresh.targets_file import read
from dockcred.errors import InvalidInputError

REGISTRIES = f'registries = ["{HOST}"]\n'
WHAT = f'format = "docker-config"\n{REGISTRIES}'
FILE = f'{WHAT}file = "/f"\n'
SECRET = f'format = "kubernetes-secret"\n{REGISTRIES}secret = "s"\nnamespaces = ["n"]\n'
LONG = "s" * 60 + ".long"

WRONG = {
    "": "is no list of targets; write [[target]] above each of them",
    "target = 3": "is no list of targets",
    "target = [3]": "target 1: it is not a table",
    "[target]\na = 1": "is no list of targets",
    "[[target]]\na = ": "is not TOML: ",
    "[[targets]]\na = 1": "is no list of targets",
    f"[[target]]\n{WHAT}": "target 1: it goes to no place, or to several; write one of",
    f'[[target]]\n{FILE}secret = "s"\n': "it goes to no place, or to several",
    f"[[target]]\n{FILE}[[target]]\n": "target 2: it goes to no place",
    f'[[target]]\n{FILE}fromat = "x"\n': "there is no setting 'fromat' here; choose of",
    f'[[target]]\n{FILE}namespaces = ["n"]\n': "there is no setting 'namespaces' here",
    f'[[target]]\n{REGISTRIES}file = "/f"': "it has no format",
    f'[[target]]\nformat = "nope"\n{REGISTRIES}file = "/f"': "there is no format 'nope'",
    '[[target]]\nformat = "env"\nfile = "/f"': "it names no registry",
    '[[target]]\nformat = "env"\nfile = "/f"\nregistries = "h"': (
        "registries is not a list of texts"
    ),
    '[[target]]\nformat = "env"\nfile = "/f"\nregistries = [""]': (
        "registries is not a list of texts"
    ),
    '[[target]]\nformat = "env"\nfile = "/f"\nregistries = ["ubuntu"]': (
        "'ubuntu' names no registry"
    ),
    f'[[target]]\n{FILE}for = "nobody"\n': "docker-config",
    f'[[target]]\n{FILE}insecure = ["{HOST}"]\n': "docker-config takes no insecure",
    f'[[target]]\n{FILE}ca_certs = {{ "h" = "/c" }}\n': "docker-config takes no ca_certs",
    f'[[target]]\n{FILE}name = "n"\n': "docker-config takes no name",
    f'[[target]]\n{FILE}sources = ["nobody"]\n': "the policy names 'nobody'",
    f'[[target]]\n{WHAT}file = "here.json"\n': "here.json is no file; write its absolute",
    f'[[target]]\n{WHAT}file = "/run/dir/"\n': "/run/dir/ is no file",
    f'[[target]]\n{WHAT}file = "/a\\u0007b"\n': "file is not a text",
    f'[[target]]\n{FILE}mode = "0644"\n': "mode '0644' lets others read a secret",
    f"[[target]]\n{FILE}mode = 0o640\n": "mode is not a text; write it in quotes",
    f'[[target]]\n{FILE}mode = "4600"\n': "mode '4600' lets others read",
    f"[[target]]\n{SECRET.replace('namespaces', 'rollout')}": "it names no namespace",
    f'[[target]]\n{SECRET}key = "k"\n': "a kubernetes-secret has its own key",
    f'[[target]]\n{SECRET}name = "x"\n': "a kubernetes-secret is named by secret",
    f"[[target]]\n{SECRET.replace(chr(34) + 's' + chr(34), chr(34) + 'S_' + chr(34))}": (
        "'S_' is no name of a Secret"
    ),
    f"[[target]]\n{SECRET.replace(chr(34) + 'n' + chr(34), chr(34) + 'a.b' + chr(34))}": (
        "'a.b' is no namespace"
    ),
    f'[[target]]\n{SECRET}rollout = ["job/x"]\n': "'job/x' is no workload",
    f'[[target]]\n{SECRET}rollout = ["deployment/../x"]\n': "is no workload",
    f"[[target]]\n{SECRET.replace(chr(34) + 's' + chr(34), chr(34) + LONG + chr(34))}"
    'rollout = ["deployment/x"]\n': "is too long a name for the annotation",
    f"[[target]]\n{FILE}[[target]]\n{FILE}": "target 2: it goes where target 1 goes (/f)",
    f"[[target]]\n{SECRET}[[target]]\n{SECRET}": "target 2: it goes where target 1 goes",
    f"[[target]]\n{WHAT}command = []\n": "the command is empty",
    f'[[target]]\n{WHAT}command = ["./x"]\n': "./x is a relative path",
    f'[[target]]\n{WHAT}command = "kbs-client"\n': "command is not a list of texts",
}


@pytest.mark.parametrize("text", WRONG)
def test_it_is_refused(text, tmp_path):
    path = tmp_path / "refresh.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        read(str(path))
    assert str(caught.value).startswith(str(path))
    assert WRONG[text] in str(caught.value)
    assert caught.value.remedy


def test_a_file_that_others_can_write_is_refused(tmp_path):
    """They could make us run a command of theirs."""
    path = tmp_path / "refresh.toml"
    path.write_text(f"[[target]]\n{FILE}")
    path.chmod(0o664)
    with pytest.raises(InvalidInputError, match="others can write it; run: chmod"):
        read(str(path))
    if os.geteuid() == 0:
        path.chmod(0o600)
        os.chown(path, 65534, 65534)
        with pytest.raises(InvalidInputError, match="others can write it"):
            read(str(path))


@pytest.mark.parametrize("name", ["nothing.toml", "."])
def test_what_cannot_be_read_is_named(name, tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read(str(tmp_path / name))


def test_what_is_right_is_understood(tmp_path):
    path = tmp_path / "refresh.toml"
    path.write_text(
        f'[[target]]\n{FILE}mode = "0440"\nsources = ["docker"]\n'
        f'[[target]]\n{SECRET}namespace_selector = "a=b,c"\n'
        'rollout = ["daemonset/node", "statefulset/db"]\n'
        f'[[target]]\nformat = "user-pass"\n{REGISTRIES}secret = "t"\n'
        'namespaces = ["n"]\n'
    )
    file, secret, other = read(str(path))
    assert file.destination == FileDestination("/f", 0o440)
    assert file.policy.order == ("docker",)
    assert secret.options.name == "s"
    assert secret.destination == SecretsDestination(
        "s", "", ("n",), "a=b,c", (("daemonset", "node"), ("statefulset", "db"))
    )
    assert other.destination.key == "user-pass"
    assert other.options.name == ""


def test_a_target_is_known_by_what_it_renders_not_by_where(tmp_path):
    path = tmp_path / "refresh.toml"

    def made_for(text: str) -> str:
        path.write_text(f"[[target]]\n{text}")
        return read(str(path))[0].made_for

    assert made_for(SECRET) == made_for(f'{SECRET}namespace_selector = "a"\n')
    assert made_for(FILE) == made_for(FILE.replace("/f", "/g"))
    assert made_for(FILE) != made_for(FILE.replace("docker-config", "helm"))
    assert made_for(FILE) != made_for(FILE.replace(HOST, "ghcr.io"))
    assert made_for(FILE) != made_for(f'{FILE}sources = ["docker"]\n')
