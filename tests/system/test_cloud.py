"""Find the cloud of a machine from its firmware, with the values of real machines."""

from __future__ import annotations

import pytest

from dockcred.system.cloud import ALIBABA, AWS, AZURE, GOOGLE, NONE, ORACLE, Hardware

DMI = "sys/class/dmi/id"
TAG = "7783-7084-3265-9085-8269-3286-77"
SAYS = {
    "EC2, Nitro": (AWS, {"sys_vendor": "Amazon EC2", "product_name": "m7g.large"}),
    "EC2, bare metal": (AWS, {"sys_vendor": "Amazon EC2", "product_name": "m5.metal"}),
    "EC2, Xen": (
        AWS,
        {"sys_vendor": "Xen", "product_name": "HVM domU"}
        | {"../../../hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"},
    ),
    "GCE": (GOOGLE, {"sys_vendor": "Google", "product_name": "Google Compute Engine"}),
    "Azure": (
        AZURE,
        {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}
        | {"chassis_asset_tag": TAG},
    ),
    "OCI": (
        ORACLE,
        {"sys_vendor": "QEMU", "product_name": "Standard PC (i440FX + PIIX, 1996)"}
        | {"chassis_asset_tag": "OracleCloud.com"},
    ),
    "ECS": (
        ALIBABA,
        {"sys_vendor": "Alibaba Cloud", "product_name": "Alibaba Cloud ECS"},
    ),
    "ThinkPad": (NONE, {"sys_vendor": "LENOVO", "product_name": "20XW004AGE"}),
    "Latitude": (NONE, {"sys_vendor": "Dell Inc.", "product_name": "Latitude 7440"}),
    "Framework": (NONE, {"sys_vendor": "Framework", "product_name": "Laptop"}),
    "EliteBook": (NONE, {"sys_vendor": "HP", "product_name": "HP EliteBook 845 G9"}),
    "Zenbook": (
        NONE,
        {"sys_vendor": "ASUSTeK COMPUTER INC.", "product_name": "UX3402"},
    ),
    "Surface": (
        NONE,
        {"sys_vendor": "Microsoft Corporation", "product_name": "Surface Laptop 5"},
    ),
    "VirtualBox": (NONE, {"sys_vendor": "innotek GmbH", "product_name": "VirtualBox"}),
    "VMware": (NONE, {"sys_vendor": "VMware, Inc.", "product_name": "VMware20,1"}),
    "Hyper-V on a desktop": (
        NONE,
        {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}
        | {"chassis_asset_tag": "4876-5410-6203-1588-6098-5203-00"},
    ),
    "Raspberry Pi": (
        NONE,
        {"../../../../proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"},
    ),
}
SAYS_NOTHING = {
    "KVM": {"sys_vendor": "QEMU", "product_name": "Standard PC (Q35 + ICH9, 2009)"},
    "OpenStack": {
        "sys_vendor": "OpenStack Foundation",
        "product_name": "OpenStack Nova",
    },
    "another cloud": {"sys_vendor": "Hetzner", "product_name": "vServer"},
    "Xen of one's own": {"sys_vendor": "Xen", "product_name": "HVM domU"}
    | {"../../../hypervisor/uuid": "00000000-0000-0000-0000-000000000000"},
    "Hyper-V without a tag": {"sys_vendor": "Microsoft Corporation"}
    | {"product_name": "Virtual Machine"},
    "a Mac, whose virtual machines clouds lend out": {"sys_vendor": "Apple Inc."}
    | {"product_name": "Apple Virtualization Generic Platform"},
    "a name that only begins like a maker's": {"sys_vendor": "Hpcloud"},
    "WSL, Firecracker, gVisor": {},
    "unreadable": {"sys_vendor": "\0\xff"},
}


@pytest.fixture
def hardware(tmp_path):
    """Return a function: the Hardware of a root directory with these firmware files."""

    def make(files: dict[str, str], *more: str) -> Hardware:
        for name, text in files.items():
            path = (tmp_path / DMI / name).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n", encoding="latin-1")
        for name in more:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return Hardware(f"{tmp_path}/")

    return make


@pytest.mark.parametrize("name", SAYS)
def test_a_machine_that_says_whose_it_is_excludes_the_others(name, hardware):
    cloud, files = SAYS[name]
    found = hardware(files)
    assert found.cloud == cloud
    for other in (AWS, AZURE, GOOGLE):
        words = found.excludes(other)
        assert bool(words) is (other != cloud)
        assert words.isascii()
        assert words.isprintable()


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_a_machine_that_does_not_say_excludes_nobody(name, hardware):
    found = hardware(SAYS_NOTHING[name])
    assert found.cloud == ""
    assert not any(map(found.excludes, (AWS, AZURE, GOOGLE)))


@pytest.mark.parametrize(
    "mark",
    [
        ".dockerenv",
        "run/.containerenv",
        "run/systemd/container",
        "var/run/secrets/kubernetes.io/serviceaccount/token",
    ],
)
def test_a_container_on_a_laptop_excludes_nobody(mark, hardware):
    """A container's network may reach services that its machine's does not."""
    found = hardware(SAYS["ThinkPad"][1], mark)
    assert found.cloud == NONE
    assert not any(map(found.excludes, (AWS, AZURE, GOOGLE)))


@pytest.mark.parametrize(
    "group", ["docker/0a1b", "kubepods/besteffort", "lxc.payload.x"]
)
def test_a_container_is_known_by_its_control_group_too(group, hardware, tmp_path):
    path = tmp_path / "proc/self/cgroup"
    path.parent.mkdir(parents=True)
    path.write_text(f"12:devices:/{group}\n")
    assert not hardware(SAYS["ThinkPad"][1]).excludes(AWS)
    path.write_text("0::/user.slice/user-1000.slice/session-2.scope\n")
    assert hardware({}).excludes(AWS)
