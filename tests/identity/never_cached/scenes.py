"""Short scenes for the differences that the state machine found, and similar cases.

A scene changes one thing that the answer depends on, and asks in every way. Its first
get leaves an entry and a ticket; later answers must be as without a cache.
"""

from __future__ import annotations

from collections.abc import Callable

from . import names as registries
from .cast import Cast
from .coarse_scenes import coarse_configuration, coarse_credentials, coarse_token
from .stage import NoticedError, Stage, two_settings

Scene = Callable[[Stage], None]


def port(stage: Stage) -> None:
    """An alias with a port and the alias without one are different registries."""
    for cloud in (stage.ecr, stage.acr):
        one, other = two_settings(cloud)
        stage.say("home one", (cloud.alias, one), (f"{cloud.alias}:5000", other))
        for first, second in (("{}:5000", "{}"), ("{}", "{}:5000")):
            stage.ask(cloud, first.format(cloud.alias), "launched", "launched")
            stage.ask(cloud, second.format(cloud.alias), *stage.shells)
            stage.ask(cloud, second.format(cloud.alias))


def port_without(stage: Stage) -> None:
    """Only the alias with a port is configured, not the host alone."""
    for cloud in (stage.ecr, stage.acr):
        stage.say("home one", (f"{cloud.alias}:5000", cloud.settings[0]))
        stage.ask(cloud, f"{cloud.alias}:5000", "launched", "launched")
        stage.ask(cloud, cloud.alias, *stage.shells, "plain")


def path(stage: Stage) -> None:
    """An alias with a path is another registry; the front does not compare paths."""
    cloud = stage.ecr
    one, other = two_settings(cloud)
    stage.say("home one", (cloud.alias, one), (f"{cloud.alias}/one", other))
    for name in (f"{cloud.alias}/one", cloud.alias, f"{cloud.alias}/two"):
        stage.ask(cloud, name)


def two_configurations(stage: Stage) -> None:
    """Two values of XDG_CONFIG_HOME, and none."""
    for cloud in (stage.ecr, stage.acr, stage.google):
        texts = cloud.settings[0], cloud.settings[-2]
        stage.say("xdg one", (cloud.alias, texts[0]))
        stage.say("xdg two", (cloud.alias, texts[1]))
        for xdg in ("xdg1", "xdg2", None, "xdg2", "xdg1"):
            stage.world.choose_config(xdg, None, "one")
            stage.ask(cloud, cloud.alias, *stage.shells)
            stage.ask(cloud, cloud.alias)


def two_homes(stage: Stage) -> None:
    """Two HOMEs with different configurations, and one cache."""
    cloud = stage.ecr
    one, other = two_settings(cloud)
    stage.say("home one", (cloud.alias, one))
    stage.say("home two", (cloud.alias, other))
    for home in (0, 1, 0):
        stage.world.home = home
        stage.ask(cloud, cloud.alias, *stage.shells)
        stage.ask(cloud, cloud.alias)


def where_one_stands(stage: Stage) -> None:
    """DOCKCRED_CONFIG names a file of the current directory."""
    cloud = stage.ecr
    one, other = two_settings(cloud)
    stage.say("cwd one", (cloud.alias, one))
    stage.say("cwd two", (cloud.alias, other))
    for directory in ("one", "two", "one"):
        stage.world.choose_config(None, "config.toml", directory)
        stage.ask(cloud, cloud.alias, *stage.shells)
        stage.ask(cloud, cloud.alias)


def named_configuration(stage: Stage) -> None:
    """DOCKCRED_CONFIG is set, unset, and names a missing file."""
    cloud = stage.ecr
    one, other = two_settings(cloud)
    stage.say("home one", (cloud.alias, one))
    stage.say("named", (cloud.alias, other))
    for named in (None, "named.toml", None):
        stage.world.choose_config(None, named, "one")
        stage.ask(cloud, cloud.alias, *stage.shells)
        stage.ask(cloud, cloud.alias)
    stage.world.configure("named", None, "in place")
    stage.world.choose_config(None, "named.toml", "one")
    stage.ask(cloud, cloud.alias)


def edited(stage: Stage) -> None:
    """A configuration is edited in every way; at last a system-wide file appears."""
    cloud = stage.ecr
    one, other = two_settings(cloud)
    for how in ("in place", "replaced", "times set back", "moved, as old"):
        for settings in (one, other):
            stage.say("home one", (cloud.alias, settings), how=how)
            stage.ask(cloud, cloud.alias, *stage.shells)
            stage.ask(cloud, cloud.alias)
    stage.world.configure("home one", None, "in place")
    stage.ask(cloud, cloud.alias)
    stage.say("system", (cloud.alias, one))
    stage.ask(cloud, cloud.alias)


def _erased(stage: Stage, cloud: registries.Cloud, asked: str, erased: str) -> None:
    stage.prime(cloud, asked)
    stage.world.erase(cloud, erased)
    if held := stage.world.held():
        raise NoticedError(f"still there after erase {erased}: {held[0][0]}")
    stage.ask(cloud, asked, *stage.shells, "plain")


def erase_alias(stage: Stage) -> None:
    """A logout from an alias also forgets the registry behind it."""
    for cloud in (stage.ecr, stage.acr):
        stage.say("home one", (cloud.alias, cloud.settings[0]))
        _erased(stage, cloud, cloud.alias, cloud.alias)
        _erased(stage, cloud, cloud.hosts[0], cloud.alias)


def erase_behind(stage: Stage) -> None:
    """A logout from the registry behind an alias also forgets the alias."""
    for cloud in (stage.ecr, stage.acr):
        stage.say("home one", (cloud.alias, cloud.settings[0]))
        _erased(stage, cloud, cloud.alias, cloud.hosts[0])


def erase_any_form(stage: Stage) -> None:
    """A logout by a name with a port, a path or a scheme."""
    cloud = stage.ecr
    stage.say("home one", (cloud.alias, cloud.settings[0]))
    for form in ("{}:443", "https://{}", "{}/one"):
        _erased(stage, cloud, cloud.alias, form.format(cloud.alias))


def _renamed(stage: Stage, kind: int, *, covers_up: bool) -> None:
    for cloud in (stage.ecr, stage.acr):
        stage.say("home one", (cloud.alias, cloud.settings[0]))
        for name in (*cloud.hosts, cloud.alias):
            stage.prime(cloud, name)
    for first in range(6):
        for second in range(first):
            number = (kind + 3 * first, kind + 3 * second)
            stage.world.meddle(*number, covers_up=covers_up)
            for cloud in (stage.ecr, stage.acr):
                for name in (*cloud.hosts, cloud.alias):
                    stage.ask(cloud, name, *stage.shells)
            stage.world.meddle(*number, covers_up=covers_up)


def stamps_renamed(stage: Stage) -> None:
    """Others rename stamps, then the directory is writable by the user only again."""
    _renamed(stage, 0, covers_up=True)


def tickets_renamed(stage: Stage) -> None:
    """Others rename tickets and entries, then only the user can write again."""
    _renamed(stage, 1, covers_up=True)


def passed_off(stage: Stage) -> None:
    """Others rename tickets with their stamps: each gets the other host's name."""
    _renamed(stage, 2, covers_up=False)


def directory_of_all(stage: Stage) -> None:
    """Others may write in the cache's directory, or own it: no front answers then."""
    cloud = stage.ecr
    stage.prime(cloud, cloud.hosts[0])
    for mode, owner in ((0o777, 0), (0o770, 0), (0o700, 1001), (0o755, 1001)):
        stage.world.set_mode(mode, owner)
        for by in stage.ask(cloud, cloud.hosts[0], *stage.shells):
            if owner and by.startswith("front"):
                raise NoticedError(f"{by} believes a directory of another's")
        stage.world.set_mode(0o700, 0)
    stage.ask(cloud, cloud.hosts[0])


def lease(stage: Stage) -> None:
    """A machine's role is swapped: after the lease the old role is not answered."""
    stage.world.aws = stage.world.azure = stage.world.google = "machine"
    for cloud in (stage.ecr, stage.acr, stage.google):
        stage.world.swap_role(0)
        stage.prime(cloud, cloud.hosts[0])
        stage.world.swap_role(1)
        stage.ask(cloud, cloud.hosts[0])
        stage.world.pass_time(905)
        stage.ask(cloud, cloud.hosts[0], *stage.shells)
        stage.ask(cloud, cloud.hosts[0])


def boots(stage: Stage) -> None:
    """Another boot or machine with the same home: earlier roles do not count."""
    for cloud in (stage.ecr, stage.acr, stage.google):
        for number, role in ((0, 0), (0, 1), (1, 2), (1, 0)):
            stage.world.be_machine(number)
            stage.world.swap_role(role)
            stage.world.reboot()
            stage.ask(cloud, cloud.hosts[0], *stage.shells)
            stage.prime(cloud, cloud.hosts[0])


def clocks(stage: Stage) -> None:
    """The clock is set back and right again; then the credential expires."""
    stage.world.aws, stage.world.azure = "keys/user-one", "secret"
    for cloud in (stage.ecr, stage.acr):
        stage.prime(cloud, cloud.hosts[0])
        for wrong in (True, False):
            stage.world.set_clock(wrong=wrong)
            stage.ask(cloud, cloud.hosts[0], *stage.shells)
            stage.ask(cloud, cloud.hosts[0])
        stage.world.pass_time(50000)
        stage.ask(cloud, cloud.hosts[0], *stage.shells)


def variables(stage: Stage) -> None:
    """Variables select other keys, and another cloud behind the same name."""
    cloud = stage.ecr
    for name in ("keys/user-one", "keys/user-two", "machine", "task", "nobody"):
        stage.world.aws = name
        for number in (0, 1):
            stage.world.cloud = number
            stage.ask(cloud, cloud.hosts[0], *stage.shells)
            stage.ask(cloud, cloud.hosts[0], "launched", "launched", *stage.shells)
    stage.world.cloud = 0
    for name in ("machine", "user/0", "user/1", "secret", "federated/one"):
        stage.world.azure = name
        stage.ask(stage.acr, stage.acr.hosts[0], *stage.shells)
        stage.ask(stage.acr, stage.acr.hosts[0], "launched", *stage.shells)


def strangers(stage: Stage) -> None:
    """Another user with the same variables gets nothing from this user's cache."""
    cloud = stage.ecr
    stage.prime(cloud, cloud.hosts[0])
    stage.world.uid = 1001
    for by in stage.ask(cloud, cloud.hosts[0], *stage.shells):
        if by.startswith("front"):
            raise NoticedError(f"{by} answers another user")


ON_COARSE = (coarse_configuration, coarse_token, coarse_credentials)
SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        *(port, port_without, path, two_configurations, two_homes, where_one_stands),
        *(named_configuration, edited, erase_alias, erase_behind, erase_any_form),
        *(
            stamps_renamed,
            tickets_renamed,
            passed_off,
            directory_of_all,
            lease,
            boots,
            clocks,
        ),
        *(variables, strangers, *ON_COARSE),
    )
}


def play(cast: Cast, name: str) -> str:
    """Play a scene; return why it was left out, "" if it was played."""
    scene = SCENES[name]
    coarse = scene in ON_COARSE
    if coarse and "coarse" not in cast.ground.disks:
        return "no file system of whole seconds can be mounted"
    if scene is boots and cast.ground.machines == 1:
        return "no boot can be played"
    stage = Stage(cast, "coarse" if coarse else "fine")
    try:
        scene(stage)
    finally:
        stage.world.close()
    return ""
