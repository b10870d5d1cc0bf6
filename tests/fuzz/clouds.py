"""Targets: files in which the tools of clouds and forges keep logins."""

from __future__ import annotations

import configparser
import os

import botocore.configloader
import botocore.exceptions
import yaml

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError
from dockcred.identity import tool_login as logins
from dockcred.protocol.kubelet import drop_in
from dockcred.providers.alibaba import profiles as alibaba
from dockcred.providers.ecr import profiles as ecr
from dockcred.providers.gitlab import glab
from dockcred.providers.google import logins as google
from dockcred.providers.oracle import profiles as oracle
from dockcred.system.environment import Environment
from fuzz.documents import in_file

ERRORS = (DockcredError,)


def aws_files(data: bytes) -> str:
    """Follow the chain of each profile in a file that botocore can read."""
    path = in_file(data)
    try:
        config = botocore.configloader.load_config(path)
    except (botocore.exceptions.BotoCoreError, ValueError):
        return ""
    home = Environment({"HOME": os.path.dirname(path)})
    sources = []
    with ecr.Translation("default", "ecr").of(ecr.READING):
        for name in list(config["profiles"])[:20]:
            chain = ecr.Chain(name, config, home, is_named=True)
            sources += [*chain.sources, *chain.files, chain.mfa_serial]
    return " ".join(sources)


def google_file(data: bytes) -> str:
    environment = Environment({"HOME": "/x"})
    chosen = google.CredentialsFile(environment, in_file(data))
    said = google.about(chosen, environment)
    return f"{chosen!r} {said} {chosen.sources} {chosen.tokens} {chosen.universe()}"


def oracle_file(data: bytes) -> str:
    """Read the default profile and its key id; configparser must agree."""
    path = in_file(data)
    environment = Environment({"OCI_CLI_CONFIG_FILE": path, "HOME": "/x"})
    listed = oracle.names(environment)
    profile = oracle.OciProfile(environment)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    assert profile.fields == dict(parser["DEFAULT"]), "configparser reads it otherwise"
    is_session = profile.is_session("")
    profile.key_id(is_session=is_session)
    return f"{listed} {profile}"


def alibaba_file(data: bytes) -> str:
    """Read the bytes as the CLI's JSON file and as the INI file `credentials`."""
    home = os.path.dirname(in_file(data))
    os.makedirs(f"{home}/.aliyun", exist_ok=True)
    os.makedirs(f"{home}/.alibabacloud", exist_ok=True)
    in_file(data, ".aliyun/config.json")
    in_file(data, ".alibabacloud/credentials")
    said = []
    for is_off in ("", "true"):
        environment = Environment(
            {"HOME": home, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": is_off}
        )
        said += alibaba.names(environment)
        try:
            profile = alibaba.chosen(environment)
        except DockcredError as error:
            said.append(str(error))
        else:
            said.append(f"{profile and (profile.kind, profile.role, profile.name)}")
    return " ".join(said)


def azure_node_file(data: bytes) -> str:
    drop_in.variables(in_file(data))
    return ""


def tool_login(data: bytes) -> str:
    """Read the bytes as glab's file, and as a login file; PyYAML must agree."""
    text = data.decode("utf-8", "replace")
    file = glab.GlabFile("config.yml", text)
    for place, instance in file.registries().items():
        ServerURL.parse(place)
        assert file.of(instance) is not None
    for instance in ("gitlab.com", "gitlab.example.com"):
        known = file.of(instance)
        glab._ends(known or {})
        file.has_login(instance)
    try:
        ours = logins.read(text)
    except ValueError:
        return ""
    try:
        theirs = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        theirs = ...
    assert theirs is not ..., "it is no YAML"
    assert (theirs or {}) == ours, "YAML says something else"
    return ""
