"""Which registries are the user's own is read from files and variables alone."""

from __future__ import annotations

import pytest
from support.aws_files import Home, homes

from dockcred.credential import ServerURL
from dockcred.providers.ecr import ECR, accounts, endpoints, hosts
from dockcred.providers.ecr.hosts import PUBLIC
from dockcred.system.environment import Environment

EU = {"AWS_DEFAULT_REGION": "eu-west-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
ROLE = "role_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\n"
LOGIN = "sso_session = corp\nsso_account_id = 444455556666\nsso_role_name = r\n"
OWN = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
CASES = {
    "a role": (f"[default]\n{ROLE}", EU, OWN),
    "a login": (
        f"[profile dev]\n{LOGIN}region = us-east-1\n",
        {"AWS_PROFILE": "dev"},
        "444455556666.dkr.ecr.us-east-1.amazonaws.com",
    ),
    "a profile that is named": (
        f"[profile dev]\n{ROLE}region = eu-west-1\n",
        KEYS | {"DOCKCRED_AWS_PROFILE": "dev"},
        OWN,
    ),
    "keys that say whose they are": (
        f"[default]\n{LOGIN}",
        KEYS | EU | {"AWS_ACCOUNT_ID": "111122223333"},
        OWN,
    ),
    "keys that do not": (f"[default]\n{ROLE}", KEYS | EU, ""),
    "keys in a file that says whose they are": (
        (
            "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
            "aws_account_id = 111122223333\nregion = eu-west-1\n"
        ),
        {},
        OWN,
    ),
    "a pod": (
        "",
        EU
        | {
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
            "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/pod",
        },
        OWN,
    ),
    "a role to assume": (
        "",
        KEYS | EU | {"DOCKCRED_AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/r"},
        OWN,
    ),
    "China": (
        (
            "[default]\nrole_arn = arn:aws-cn:iam::111122223333:role/r\n"
            "source_profile = base\nregion = cn-north-1\n"
        ),
        {},
        "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
    ),
    "no region": (f"[default]\n{ROLE}", {}, ""),
    "a region that is none": (f"[default]\n{ROLE}region = x/y\n", {}, ""),
    "a machine": ("", EU, ""),
    "a profile spelt twice": (
        f"[default]\n{ROLE}[profile default]\noutput = x\n",
        EU,
        "",
    ),
    "whichever fits": (f"[default]\n{ROLE}", EU | {"DOCKCRED_AWS_PROFILE": "auto"}, ""),
    "a file that is botocore's to read": (f"[default]\n  {ROLE}", EU, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_the_registry_of_account_and_region(name, tmp_path) -> None:
    config, variables, own = CASES[name]
    variables = Home(config, None, variables).write(tmp_path)
    found = ECR().own_servers(Environment(variables))
    assert tuple(host for host in found if host != PUBLIC) == ((own,) if own else ())


GALLERY = {
    "a role": True,
    "keys that do not": True,
    "no region": True,
    "China": False,
    "a machine": False,
    "whichever fits": False,
}


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_is_anybody_s_outside_of_other_partitions(name, tmp_path) -> None:
    config, variables, _ = CASES[name]
    variables = Home(config, None, variables).write(tmp_path)
    assert (PUBLIC in ECR().own_servers(Environment(variables))) == GALLERY[name]


ASKED = {
    "keys that do not": True,
    "a role": False,
    "no region": False,
    "a machine": False,
    "keys that say whose they are": False,
}


@pytest.mark.parametrize("name", ASKED)
def test_aws_is_asked_whose_keys_these_are_where_nothing_tells(name, tmp_path) -> None:
    config, variables, _ = CASES[name]
    variables = Home(config, None, variables).write(tmp_path)
    assert ECR().can_ask_for_own(Environment(variables)) == ASKED[name]


SSO = "sso_session = corp\nsso_account_id = {}\nsso_role_name = r\n"
DEV, OPS = (SSO.format(n * 12) for n in "12")
LOGIN_OF = "login_session = arn:aws:sts::{}:assumed-role/r/me\n"
PEOPLE = {
    "SSO": (f"[profile dev]\n{DEV}", {}, ["dev"]),
    "a role": (
        f"[profile dev]\n{ROLE.replace('111122223333', '1' * 12)}",
        {},
        ["dev"],
    ),
    "aws login": (f"[profile dev]\n{LOGIN_OF.format('1' * 12)}", {}, ["dev"]),
    "the default": (f"[default]\n{DEV}", {"AWS_PROFILE": "other"}, ["default"]),
    "several": (
        f"[profile dev]\n{DEV}[profile ops]\n{OPS}[profile ro]\n{DEV}",
        {},
        ["dev", "ro"],
    ),
    "a role on top of a login": (
        f"[profile dev]\n{OPS}role_arn = arn:aws:iam::{'1' * 12}:role/r\n",
        {},
        ["dev"],
    ),
    "a login beside a login": (
        f"[profile dev]\n{DEV}{LOGIN_OF.format('2' * 12)}",
        {},
        ["dev"],
    ),
    "lines that are botocore's to read": (
        f"[profile dev]\n  {DEV}[profile 'a b']\n{DEV}",
        {},
        ["dev", "a b"],
    ),
    "keys in variables, which are anybody's": (f"[profile dev]\n{DEV}", KEYS, ["dev"]),
    "keys in variables that are the account's": (
        f"[profile dev]\n{DEV}",
        KEYS | {"AWS_ACCOUNT_ID": "1" * 12},
        [],
    ),
    "the profile that is asked": (
        f"[profile dev]\n{DEV}[profile ro]\n{DEV}",
        {"AWS_PROFILE": "ro"},
        [],
    ),
    "the profile that is asked, in lines that are botocore's to read": (
        f"[profile dev]\n  {DEV}[profile ro]\n{DEV}",
        {"AWS_PROFILE": "dev"},
        [],
    ),
    "the default, which is asked": (f"[default]\n{DEV}", {}, []),
    "a profile of another account is asked": (
        f"[profile dev]\n{DEV}[profile ops]\n{OPS}",
        {"AWS_PROFILE": "ops"},
        ["dev"],
    ),
    "a role is assumed whoever asks": (
        f"[profile dev]\n{DEV}",
        {"DOCKCRED_AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/r"},
        [],
    ),
    "whichever fits, and one does": (
        f"[profile dev]\n{DEV}",
        {"DOCKCRED_AWS_PROFILE": "auto"},
        [],
    ),
    "whichever fits, and two do": (
        f"[profile dev]\n{DEV}[profile ro]\n{DEV}",
        {"DOCKCRED_AWS_PROFILE": "auto"},
        ["dev", "ro"],
    ),
    "nobody's": (f"[profile ops]\n{OPS}", {}, []),
    "no file": (None, {}, []),
    "a file that is none": ("[profile dev\n\\", {}, []),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_the_profiles_that_lead_to_the_registry_s_account(name, tmp_path) -> None:
    config, variables, profiles = PEOPLE[name]
    variables = Home(config, None, variables).write(tmp_path)
    server = ServerURL.parse(f"{'1' * 12}.dkr.ecr.eu-west-1.amazonaws.com")
    found = ECR().own_identities(server, "", Environment(variables))
    assert list(found) == [{"profile": each} for each in profiles]


@pytest.mark.parametrize("start", ["", "stray\tname: x\n"])
@pytest.mark.parametrize("name", ["role_arn", "sso_account_id", "login_session"])
def test_a_block_is_nobody_s_account_whoever_reads_it(name, start, tmp_path) -> None:
    """We read the plain file; botocore reads the one with a line unknown to us."""
    block = f"{name} =\n    some:what:a:b:{'3' * 12} = x\n"
    home = Home(f"[profile dev]\n{start}{block}aws_account_id = {'1' * 12}\n")
    found = accounts.profiles_by_account(Environment(home.write(tmp_path)))
    assert found == {"1" * 12: ["dev"]}


def test_who_is_known_to_be_of_the_account_needs_no_profile(tmp_path) -> None:
    """The cache holds the identity that answered, and with it the account."""
    config, variables, _ = PEOPLE["keys in variables, which are anybody's"]
    variables = Home(config, None, variables).write(tmp_path)
    server = ServerURL.parse(f"{'1' * 12}.dkr.ecr.eu-west-1.amazonaws.com")
    mine = f"arn:aws:sts::{'1' * 12}:assumed-role/r/me"
    assert ECR().own_identities(server, mine, Environment(variables)) == ()
    other = mine.replace("1" * 12, "3" * 12)
    assert ECR().own_identities(server, other, Environment(variables))


def test_the_gallery_has_no_account(tmp_path) -> None:
    config, variables, _ = PEOPLE["SSO"]
    variables = Home(config, None, variables).write(tmp_path)
    server = ServerURL.parse(PUBLIC)
    assert ECR().own_identities(server, "", Environment(variables)) == ()


def test_every_profile_with_an_account_is_found_as_botocore_reads_it(
    side_by_side, tmp_path, monkeypatch
) -> None:
    """For files that we read ourselves, and for files that are left to botocore."""
    import botocore.session
    from botocore.exceptions import ConfigParseError

    ways = {True: 0, False: 0}

    def check(home: Home) -> None:
        variables = Environment(home.write(tmp_path))
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            file = name.rpartition("_")[0].rpartition("_")[2].lower()
            monkeypatch.setenv(name, f"{tmp_path}/.aws/{file}")
        try:
            theirs = botocore.session.Session().full_config["profiles"]
        except ConfigParseError:
            return
        expected: dict[str, set[str]] = {}
        for name, said in theirs.items():
            if account := accounts.account_of(said):
                expected.setdefault(account, set()).add(name)
        found = accounts.profiles_by_account(variables)
        assert {account: set(names) for account, names in found.items()} == expected
        ways[None in map(endpoints.sections, hosts.files(variables))] += 1

    side_by_side(check, homes(), share=0.3, shows=lambda _: min(ways.values()) > 3)
