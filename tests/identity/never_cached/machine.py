"""The state machine: actions of people, clusters and administrators, in any order."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from . import names as registries
from .cast import Cast
from .people import AWS, AWS_BY_SDK, AZURE, GOOGLE, SUBJECTS, TOKENS
from .plots import FILES, FILES_OF_DIRECTORIES, Plot, plots
from .questions import AskedWorld

PYTHON = ("plain", "launched", "launched")
HOW = ("in place", "in place", "replaced", "times set back", "moved, as old")
TIMES = (1, 30, 400, 850, 1000, 3000, 9000, 25000, 50000)
VARIABLES = {
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ROLE_SESSION_NAME": "somebody",
    "AWS_PROFILE": "",
    "AWS_CA_BUNDLE": "",
    "AZURE_CLIENT_ID": "",
    "DOCKCRED_ANONYMOUS": "false",
    "DOCKCRED_CONFIG": "",
    "DOCKCRED_GOOGLE_HOSTS": "*.corp.example",
    "DOCKCRED_GOOGLE_USERNAME": "_token",
    "DOCKCRED_ACR_SUFFIXES": "corp.example",
    "DOCKCRED_OIDC_HOSTS": "aws.corp.example",
    "DOCKCRED_ON_MISS": "empty",
    "DOCKCRED_ROAD": "direct",
    "XDG_CONFIG_HOME": "",
    "CI": "true",
}
"""More variables that affect the answer, with the value that a step sets."""
how = st.sampled_from(HOW)


def machine(cast: Cast, counts: Counter[str]) -> type[RuleBasedStateMachine]:
    """Return the state machine's class for a cast; it counts its steps in `counts`."""
    clouds = st.sampled_from(cast.registries)
    possible = [*PYTHON, *cast.shells]
    ways = st.sampled_from(possible)
    after = st.sampled_from(["", *possible])
    numbers = st.integers(0, 1000)

    class NeverCached(RuleBasedStateMachine):
        """A user for whom the cache must change the speed only, and no answer."""

        @initialize(
            disk=st.sampled_from(["fine", "coarse"]),
            cache_disk=st.sampled_from(["fine", "fine", "coarse"]),
            cache_by=st.sampled_from(["DOCKCRED_CACHE_DIR", "XDG_CACHE_HOME", "HOME"]),
            plot=clouds.flatmap(plots),
        )
        def begin(self, disk: str, cache_disk: str, cache_by: str, plot: Plot) -> None:
            self.world = AskedWorld(cast, disk, cache_disk, cache_by)
            self.plot = plot
            self.name = (plot.cloud, plot.cloud.alias)
            for name, number in plot.first.items():
                if number >= 0:
                    self.world.configure(name, plot.texts[number], "in place")

        def teardown(self) -> None:
            if hasattr(self, "world"):
                self.world.close()

        def _did(self, kind: str, way: str = "") -> None:
            """Count a step; then ask again by `way`, if it is not empty."""
            counts["steps"] += 1
            counts[kind] += 1
            if way:
                self._ask(way)

        def _named(self, number: int) -> tuple[registries.Cloud, str]:
            """Choose a name; one in eight is of another cloud than the plot's."""
            others = [cloud for cloud in cast.registries if cloud != self.plot.cloud]
            cloud = self.plot.cloud if number % 8 != 7 else others[number // 8 % 2]
            return cloud, cloud.names[number // 16 % len(cloud.names)]

        def _ask(self, way: str) -> None:
            cloud, name = self.name
            answer, by = self.world.ask(cloud, name, way)
            counts[f"answered by {by}"] += 1
            counts[
                f"by {cloud.provider}: "
                + ("an identity" if answer.secret else answer.who)
            ] += 1
            wrong = self.world.wrong(cloud, name, answer)
            if wrong and not (answer.secret and self.world.oracle(cloud, name).secret):
                # A sandbox may be too slow on a busy machine, so ask once more.
                counts["asked once more"] += 1
                self.world.version += 1
                answer, by = self.world.ask(cloud, name, way)
                wrong = self.world.wrong(cloud, name, answer)
            if wrong:
                counts["differences"] += 1
            assert not wrong, f"{by}, {name}: {wrong}"

        @rule(number=numbers, way=ways)
        def ask(self, number: int, way: str) -> None:
            self._did("ask")
            self.name = self._named(number)
            self._ask(way)

        @rule(way=ways)
        def ask_again(self, way: str) -> None:
            self._did("ask again")
            self._ask(way)

        @rule(number=numbers)
        def ask_everybody(self, number: int) -> None:
            self._did("ask everybody")
            self.name = self._named(number)
            for way in ("launched", *cast.shells, "plain"):
                self._ask(way)

        @rule()
        def ask_each_front(self) -> None:
            self._did("ask each front")
            for way in cast.shells:
                self._ask(way)

        @rule(form=st.integers(0, 7), way=ways)
        def ask_for_a_sibling(self, form: int, way: str) -> None:
            self._did("ask for a sibling")
            cloud, name = self.name
            host = name.removeprefix("https://").partition("/")[0].partition(":")[0]
            other = [other for other in cloud.names if host in other]
            self.name = (cloud, other[form % len(other)])
            self._ask(way)

        @rule(after=after, name=st.sampled_from(AWS))
        def be_in_aws(self, after: str, name: str) -> None:
            self.world.aws = name
            self._did("identity", after)

        @rule(after=after, name=st.sampled_from(AZURE))
        def be_in_azure(self, after: str, name: str) -> None:
            self.world.azure = name
            self._did("identity", after)

        @rule(after=after, name=st.sampled_from(GOOGLE))
        def be_at_google(self, after: str, name: str) -> None:
            self.world.google = name
            self._did("identity", after)

        @precondition(lambda self: self.world.aws not in AWS_BY_SDK)
        @rule(after=after, name=st.sampled_from(AWS_BY_SDK), often=st.integers(0, 3))
        def be_by_sdk(self, after: str, name: str, often: int) -> None:
            if not often:
                self.world.aws = name
            self._did("identity by an SDK", after)

        @rule(
            after=after,
            which=st.sampled_from((*FILES, *FILES_OF_DIRECTORIES)),
            number=st.integers(-1, 2),
            how=how,
        )
        def configure(self, after: str, which: str, number: int, how: str) -> None:
            text = self.plot.texts[number] if number >= 0 else None
            self.world.configure(which, text, how)
            self._did("configuration", after)

        @rule(
            after=after,
            xdg=st.sampled_from([None, "xdg1", "xdg2", "xdg1", "xdg2"]),
            config=st.sampled_from(
                [None, None, None, None, "named.toml", "config.toml"]
            ),
            directory=st.sampled_from(["one", "two"]),
        )
        def choose(
            self, after: str, xdg: str | None, config: str | None, directory: str
        ) -> None:
            self.world.choose_config(xdg, config, directory)
            self._did("choice of configuration", after)

        @rule(
            after=after,
            kind=st.sampled_from(TOKENS),
            subject=st.sampled_from(SUBJECTS),
            age=st.integers(0, 2),
            how=how,
        )
        def rotate(
            self, after: str, kind: str, subject: str, age: int, how: str
        ) -> None:
            self.world.rotate(kind, subject, age, how)
            self._did("token rotation", after)

        @rule(after=after, number=st.sampled_from([0, 1, 2, 2, 2]), how=how)
        def swap_google_file(self, after: str, number: int, how: str) -> None:
            self.world.swap_google_file(number, how)
            self._did("credentials file", after)

        @rule(after=after, users=st.permutations(["one", "two"]), how=how)
        def swap_profiles(self, after: str, users: list[str], how: str) -> None:
            self.world.swap_profiles(*users, how)
            self._did("credentials file", after)

        @rule(after=after, number=st.integers(0, 2))
        def swap_role(self, after: str, number: int) -> None:
            self.world.swap_role(number)
            self._did("role swap", after)

        @rule(after=after, number=st.integers(0, 1))
        def move(self, after: str, number: int) -> None:
            self.world.be_machine(number)
            self._did("move", after)

        @rule(after=after)
        def reboot(self, after: str) -> None:
            self.world.reboot()
            self._did("boot", after)

        @rule(after=after, seconds=st.sampled_from(TIMES))
        def wait(self, after: str, seconds: int) -> None:
            self.world.pass_time(seconds)
            self._did("time", after)

        @rule(after=after, wrong=st.booleans())
        def set_clock(self, after: str, wrong: bool) -> None:
            self.world.set_clock(wrong=wrong)
            self._did("clock", after)

        @rule(after=after, number=numbers)
        def log_out(self, after: str, number: int) -> None:
            self._log_out(*self._named(number))
            self._did("logout", after)

        @rule(after=after)
        def log_out_of_this(self, after: str) -> None:
            self._log_out(*self.name)
            self._did("logout", after)

        def _log_out(self, cloud: registries.Cloud, name: str) -> None:
            trusted = self.world.cache_is_trusted
            self.world.erase(cloud, name)
            held = self.world.held() if trusted else []
            if held:
                counts["differences"] += 1
            assert not held, f"still there after erase {name}: {[n for n, _ in held]}"

        @rule(after=after)
        def log_in(self, after: str) -> None:
            self.world.store(*self.name)
            self._did("login", after)

        @rule(after=after, home=st.integers(0, 1))
        def change_home(self, after: str, home: int) -> None:
            self.world.home = home
            self._did("home", after)

        @rule(after=after, cloud=st.integers(0, 1))
        def change_cloud(self, after: str, cloud: int) -> None:
            self.world.cloud = cloud
            self._did("way to the cloud", after)

        @rule(
            after=after,
            mode=st.sampled_from([0o700, 0o700, 0o777, 0o755, 0o770]),
            owner=st.sampled_from([0, 0, 0, 1001]),
        )
        def change_mode(self, after: str, mode: int, owner: int) -> None:
            self.world.set_mode(mode, owner)
            self._did("mode of the cache", after)

        @rule(after=after, first=numbers, second=numbers, covers_up=st.booleans())
        def meddle(self, after: str, first: int, second: int, covers_up: bool) -> None:
            self.world.meddle(first, second, covers_up=covers_up)
            self._did("rename in the cache", after)

        @rule(after=after, name=st.sampled_from(list(VARIABLES)), off=st.booleans())
        def set_variable(self, after: str, name: str, off: bool) -> None:
            self.world.more.pop(name, None)
            if not off:
                self.world.more[name] = VARIABLES[name]
            self._did("variable", after)

        @rule(after=after, uid=st.sampled_from([0, 0, 1001]))
        def change_user(self, after: str, uid: int) -> None:
            self.world.uid = uid
            self._did("user", after)

    return NeverCached
