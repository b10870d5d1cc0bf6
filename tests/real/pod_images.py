"""The image of the tests' pods; its one program waits for SIGTERM."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from pathlib import Path

from .parts import program

WAITS = """\
#include <signal.h>
#include <unistd.h>
static void end(int number) { _exit(0); }
int main(void)
{
    signal(SIGTERM, end);
    for (;;)
        pause();
}
"""


def architecture() -> str:
    """Return this machine's architecture, by its name in images."""
    return {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def build_image(path: Path, name: str) -> Path:
    """Write the image as a docker archive with this image name."""
    source = path.with_suffix(".c")
    source.write_text(WAITS)
    subprocess.run(
        [program("gcc"), "-static", "-Os", "-s", "-o", path, source],
        check=True,
        capture_output=True,
    )
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo("wait")
        entry.size, entry.mode = path.stat().st_size, 0o755
        tar.addfile(entry, io.BytesIO(path.read_bytes()))
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": ["/wait"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    index = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {
        "layer.tar": layer.getvalue(),
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(index).encode(),
    }
    archive = path.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        for file, content in files.items():
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive
