"""A machine in its own network namespace, where packets to far addresses are dropped.

    unshare --net --mount --uts python -m providers.silence.laptop SCENE PROGRAMS HOME

Each scene writes the firmware's files. The packets that leave are counted: they show
whether a wait was spared, even on a busy machine, where times do not.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.program import HOST, NOT_FOUND, Answer, Program

from dockcred.system.cloud import ADDRESS, ALIBABA, HOLDS_S, Hardware, address_of
from dockcred.testing.sandbox import Sandbox

LEFT_OUT = "left out: "
FIRMWARE = Path("/sys/class/dmi/id")
HELPERS = {
    "ecr": ("docker-credential-ecr-login", HOST),
    "acr": ("docker-credential-acr-login", "contoso.azurecr.io"),
    "gcr": ("docker-credential-gcr", "gcr.io"),
}
"""Helpers and registries of the clouds whose metadata services share an address."""
ALIBABA_HELPER = ("docker-credential-acr-helper", "registry.cn-hangzhou.aliyuncs.com")
PATIENCE_S = 0.9
"""A full wait for the metadata service takes at least this long; it is one second."""
LAPTOP = {"sys_vendor": "LENOVO", "product_name": "20XW004AGE"}


class Laptop:
    """The machine, its programs, and the variables of a person without a cloud."""

    def __init__(self, programs: Path, home: Path) -> None:
        """Set up the network; the firmware's files are missing."""
        self.programs = programs
        self.home = home
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        for words in (
            "link set lo up",
            "link add away type veth peer name nowhere",
            "address add 192.0.2.9/24 dev away",
            "link set away up",
            "link set nowhere up",
            "neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev away",
            "route add default via 192.0.2.1",
        ):
            ip(words)
        names = home / "hosts"  # else servers wait for DNS
        names.write_text(f"127.0.0.1 localhost\n{ADDRESS} metadata.google.internal\n")
        _run("mount", "--bind", str(names), "/etc/hosts")
        _run("mount", "-t", "tmpfs", "firmware", "/sys/class")
        FIRMWARE.mkdir(parents=True)

    def say(self, files: Mapping[str, str]) -> None:
        """Write the firmware's files."""
        for name, text in files.items():
            (FIRMWARE / name).write_text(f"{text}\n")

    def variables(self, **more: str) -> dict[str, str]:
        """Return a person's variables, and those in `more`."""
        plain = {"PATH": "/usr/bin:/bin", "HOME": str(self.home)}
        return plain | {"DOCKCRED_LOG": "info"} | more

    def get(self, which: str, **more: str) -> Answer:
        """Run a helper's get for its registry, as a person without a cloud."""
        return self.ask(which, self.variables(**more))

    def ask(self, which: str, variables: Mapping[str, str]) -> Answer:
        """Run a helper's get for its registry, with these variables."""
        program, host = HELPERS.get(which, ALIBABA_HELPER)
        return Program(str(self.programs / program)).get(variables, host)

    def packets(self) -> int:
        """Return the number of packets sent to the metadata or any far address."""
        for line in Path("/proc/net/dev").read_text().splitlines():
            name, _, figures = line.partition(":")
            if name.strip() == "away":
                return int(figures.split()[9])
        raise LookupError("away")

    @property
    def memory(self) -> Path:
        """Return the cache's file that remembers a silence."""
        return self.home / f".cache/dockcred/silent-{ADDRESS}"

    def age(self, seconds: float) -> None:
        """Make the remembered silence older by these seconds."""
        here, at, end = self.memory.read_text().split("\n")
        self.memory.write_text(f"{here}\n{float(at) - seconds!r}\n{end}")

    @contextmanager
    def service(self, identity: str) -> Iterator[tuple[Sandbox, dict[str, str]]]:
        """Start a cloud's metadata service; yield the sandbox, and variables for it.

        The variables lead to its registries; the service is at its usual address.
        """
        ip(f"address add {ADDRESS}/32 dev lo")
        with Sandbox() as cloud:
            cloud.listen(ADDRESS, 80)
            found = cloud.environment(identity, inherit=self.variables())
            named = ("AWS_EC2_", "AZURE_POD_", "GCE_", "HOME", "XDG_", "DOCKCRED_CACHE")
            kept = {n: v for n, v in found.items() if not n.startswith(named)}
            yield cloud, kept | self.variables()
        ip(f"address del {ADDRESS}/32 dev lo")


def ip(words: str) -> None:
    """Run the command `ip` with these words."""
    _run("ip", *words.split())


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)


def leave_the_container() -> None:
    """Change into a root directory without the files that mark a container."""
    root = Path("/mnt")
    _run("mount", "-t", "tmpfs", "root", str(root))
    for entry in os.scandir("/"):
        place = root / entry.name
        if entry.is_symlink():
            place.symlink_to(os.readlink(entry.path))
        elif entry.is_dir() and entry.name != "mnt":
            place.mkdir()
            if entry.name != "run":
                _run("mount", "--rbind", entry.path, str(place))
    os.chroot(root)
    os.chdir("/")
    if Hardware().is_container():
        sys.exit(f"{LEFT_OUT}the kernel's control groups are a container's")


def is_asked_in_full(answer: Answer) -> bool:
    """Return whether the helper waited for the address in full, and got no answer.

    The message is checked as well: on a busy machine everything takes a second.
    """
    assert answer.status == 1, answer
    said = answer.stdout + answer.stderr
    return b"did not answer within" in said and answer.seconds > PATIENCE_S


def a_silence_is_met_once_for_all_helpers(laptop: Laptop) -> None:
    assert is_asked_in_full(laptop.get("gcr"))
    before = laptop.packets()
    assert before
    for number, (which, said) in enumerate(
        (("gcr", NOT_FOUND), ("acr", NOT_FOUND), ("ecr", b"was silent")), start=1
    ):
        answer = laptop.get(which)
        assert answer.status == 1
        assert said in answer.stdout, answer
        assert laptop.packets() - before == number, "a knock is one packet"
    assert laptop.memory.stat().st_mode & 0o777 == 0o600


def it_is_waited_for_again_after_its_time(laptop: Laptop) -> None:
    laptop.get("acr")
    laptop.age(HOLDS_S - 5)
    before = laptop.packets()
    laptop.get("acr")
    assert laptop.packets() - before == 1
    laptop.age(6)
    assert is_asked_in_full(laptop.get("acr"))
    laptop.age(-30)  # a silence in the future
    assert is_asked_in_full(laptop.get("acr"))


def another_network_host_or_boot_has_a_silence_of_its_own(laptop: Laptop) -> None:
    laptop.get("gcr")
    ip("route add 198.51.100.0/24 via 192.0.2.1")
    assert is_asked_in_full(laptop.get("gcr"))
    socket.sethostname("another")
    assert is_asked_in_full(laptop.get("gcr"))
    boot = laptop.home / "boot"
    boot.write_text("00000000-0000-4000-8000-000000000000\n")
    _run("mount", "--bind", str(boot), "/proc/sys/kernel/random/boot_id")
    assert is_asked_in_full(laptop.get("gcr"))


def without_a_cache_nothing_is_remembered(laptop: Laptop) -> None:
    off = {"gcr": "DOCKCRED_CACHE", "ecr": "AWS_ECR_DISABLE_CACHE"}
    for which, variable in off.items():
        laptop.get(which, **{variable: "off"})
        assert not laptop.memory.exists()
    assert is_asked_in_full(laptop.get("gcr"))
    os.utime(laptop.memory)
    os.chown(laptop.memory, 1001, 1001)
    assert is_asked_in_full(laptop.get("gcr"))


def _appears(laptop: Laptop, which: str, identity: str, road: str = "") -> None:
    variables = {"DOCKCRED_ROAD": road} if road else {}
    with laptop.service(identity) as (_, rest):
        pass
    assert is_asked_in_full(laptop.ask(which, rest | variables))
    assert laptop.memory.exists()
    with laptop.service(identity) as (cloud, rest):
        answer = laptop.ask(which, rest | variables)
        assert answer.status == 0, answer
        assert b"Secret" in answer.stdout
        assert cloud.calls


def a_service_that_appears_is_found_at_the_next_look(laptop: Laptop) -> None:
    for which, identity in (
        ("ecr", "instance-profile"),
        ("acr", "azure-imds"),
        ("gcr", "google-metadata"),
    ):
        _appears(laptop, which, identity)
        shutil.rmtree(laptop.home / ".cache")


def so_it_is_by_the_clouds_own_libraries(laptop: Laptop) -> None:
    for which, identity in (("ecr", "instance-profile"), ("acr", "azure-imds")):
        laptop.get(which, DOCKCRED_ROAD="sdk")
        before = laptop.packets()
        assert before
        laptop.get(which, DOCKCRED_ROAD="sdk")
        assert laptop.packets() - before == 1
        shutil.rmtree(laptop.home / ".cache")
        _appears(laptop, which, identity, "sdk")
        shutil.rmtree(laptop.home / ".cache")


def an_identity_that_appears_elsewhere_is_taken(laptop: Laptop) -> None:
    """From variables, a file or a login; a silence spares packets only."""
    for which in HELPERS:
        laptop.get(which)
    before = laptop.packets()
    with Sandbox() as cloud:
        for which, identity in (
            ("ecr", "env-keys"),
            ("ecr", "shared-credentials"),
            ("acr", "azure-client-secret"),
            ("acr", "azure-cli"),
            ("gcr", "google-service-account"),
        ):
            variables = cloud.environment(identity)
            variables["DOCKCRED_CACHE_DIR"] = str(laptop.memory.parent)
            answer = laptop.ask(which, variables)
            assert answer.status == 0, (identity, answer)
    assert laptop.memory.exists()
    assert laptop.packets() - before <= 5


def who_is_named_is_asked_and_not_remembered(laptop: Laptop) -> None:
    address = f"http://{ADDRESS}"
    named = (
        ("ecr", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": address}),
        ("acr", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": address}),
        ("acr", {"AZURE_CLIENT_ID": "00000000-0000-4000-8000-000000000000"}),
        ("gcr", {"GCE_METADATA_HOST": ADDRESS}),
    )
    for which, variables in named:
        assert is_asked_in_full(laptop.get(which, **variables))
        assert not laptop.memory.exists()
    laptop.get("gcr")
    assert laptop.memory.exists()
    for which, variables in named:
        assert is_asked_in_full(laptop.get(which, **variables))
    chosen = {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}
    answer = laptop.get("acr", **chosen, DOCKCRED_TIMEOUT="2")
    assert answer.seconds > 2 * PATIENCE_S


def a_profile_that_names_the_instance_asks_it(laptop: Laptop) -> None:
    laptop.get("gcr")
    config = laptop.home / ".aws/config"
    config.parent.mkdir()
    config.write_text(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\n"
        "credential_source = Ec2InstanceMetadata\n"
    )
    answer = laptop.get("ecr")
    assert b"was silent" not in answer.stdout + answer.stderr
    assert answer.seconds > PATIENCE_S


def a_laptop_sends_no_packet(laptop: Laptop) -> None:
    leave_the_container()
    laptop.say(LAPTOP)
    for which in HELPERS:
        answer = laptop.get(which)
        assert answer.status == 1
        assert b"LENOVO 20XW004AGE" in answer.stdout + answer.stderr
    laptop.get("ecr", DOCKCRED_ROAD="sdk")
    assert laptop.packets() == 0
    assert not laptop.memory.exists()
    named = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{ADDRESS}"}
    assert is_asked_in_full(laptop.get("ecr", **named))
    assert laptop.packets()


def a_service_of_its_own_is_asked_on_a_laptop_too(laptop: Laptop) -> None:
    """aws-vault and others give the metadata address to the loopback interface."""
    leave_the_container()
    laptop.say(LAPTOP)
    with laptop.service("instance-profile") as (_, rest):
        assert laptop.ask("ecr", rest).status == 0


def a_cloud_that_is_its_own_is_always_waited_for(laptop: Laptop) -> None:
    """On the cloud's own machine a silence is a temporary failure."""
    leave_the_container()
    laptop.say({"sys_vendor": "Amazon EC2", "product_name": "m7g.large"})
    assert is_asked_in_full(laptop.get("ecr"))
    assert not laptop.memory.exists()
    assert is_asked_in_full(laptop.get("ecr"))


def one_that_hangs_is_not_silent(laptop: Laptop) -> None:
    """The service accepts connections, so it may answer the next request."""
    with laptop.service("azure-imds") as (cloud, rest):
        cloud.fail("azure-imds:hang")
        assert is_asked_in_full(laptop.ask("acr", rest))
        assert not laptop.memory.exists()


def alibaba_s_address_has_a_silence_of_its_own(laptop: Laptop) -> None:
    address = address_of(ALIBABA)
    memory = laptop.home / f".cache/dockcred/silent-{address}"
    assert is_asked_in_full(laptop.get("alibaba"))
    assert memory.exists()
    assert not laptop.memory.exists()
    before = laptop.packets()
    assert b"was silent" in laptop.get("alibaba").stderr
    assert laptop.packets() - before == 1
    assert is_asked_in_full(laptop.get("ecr"))
    ip(f"address add {address}/32 dev lo")
    with Sandbox() as served:
        served.listen(address, 80)
        variables = served.environment("alibaba-ecs-role")
        del variables["DOCKCRED_ALIBABA_METADATA"]
        variables["DOCKCRED_CACHE_DIR"] = str(memory.parent)
        answer = laptop.ask("alibaba", variables)
        assert answer.status == 0, answer
        assert served.calls["alibaba-ecs:credentials"] == 1


def alibaba_s_own_machine_is_always_waited_for(laptop: Laptop) -> None:
    leave_the_container()
    laptop.say({"sys_vendor": "Alibaba Cloud", "product_name": "Alibaba Cloud ECS"})
    for _ in range(2):
        assert is_asked_in_full(laptop.get("alibaba"))
    before = laptop.packets()
    assert b"not AWS's but Alibaba Cloud" in laptop.get("ecr").stdout
    assert laptop.packets() == before


def doctor_tells_that_it_was_remembered(laptop: Laptop) -> None:
    laptop.get("gcr")
    doctor = Program(str(laptop.programs / "dockcred"))
    answer = doctor("doctor", "gcr.io", environment=laptop.variables())
    assert f"{ADDRESS} was silent" in " ".join(answer.stdout.decode().split())
    assert f"until {HOLDS_S:g} s have passed" in " ".join(
        answer.stdout.decode().split()
    )
    leave_the_container()
    laptop.say(LAPTOP)
    answer = doctor("doctor", "gcr.io", environment=laptop.variables())
    assert "not Google's but LENOVO 20XW004AGE" in " ".join(
        answer.stdout.decode().split()
    )


SCENES = {
    scene.__name__: scene
    for scene in (
        a_silence_is_met_once_for_all_helpers,
        it_is_waited_for_again_after_its_time,
        another_network_host_or_boot_has_a_silence_of_its_own,
        without_a_cache_nothing_is_remembered,
        a_service_that_appears_is_found_at_the_next_look,
        so_it_is_by_the_clouds_own_libraries,
        an_identity_that_appears_elsewhere_is_taken,
        who_is_named_is_asked_and_not_remembered,
        a_profile_that_names_the_instance_asks_it,
        a_laptop_sends_no_packet,
        a_service_of_its_own_is_asked_on_a_laptop_too,
        a_cloud_that_is_its_own_is_always_waited_for,
        one_that_hangs_is_not_silent,
        alibaba_s_address_has_a_silence_of_its_own,
        alibaba_s_own_machine_is_always_waited_for,
        doctor_tells_that_it_was_remembered,
    )
}


if __name__ == "__main__":
    SCENES[sys.argv[1]](Laptop(Path(sys.argv[2]), Path(sys.argv[3])))
