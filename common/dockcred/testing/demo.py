"""`make demo`: show the main task in a minute, in a temporary home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from rich.console import Console

from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PROGRAM = "docker-credential-ecr-login"
_EXPLANATION = f"""
A loopback cloud, 40 ms away, played AWS and verified the signature; the identity
was the role of an EC2 instance. Nothing outside a temporary home was touched.
In earnest: run `dockcred install`, and in ~/.docker/config.json write

    {{"credHelpers": {{"{HOST}": "ecr-login"}}}}
"""


def main() -> None:
    """Get one registry's password twice, and print what happened."""
    console = Console(highlight=False)
    with Sandbox(latency_ms=40, metadata_latency_ms=1) as cloud:
        environment = cloud.environment("instance-profile")
        launchers = f"{environment['HOME']}/bin"
        dockcred = os.path.join(os.path.dirname(sys.executable), "dockcred")
        subprocess.run(
            [dockcred, "install", "--dir", launchers, "--programs", PROGRAM],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        console.print(f"\necho {HOST} |\n    {PROGRAM} get\n", style="bold")
        for label in ("cold", "cached"):
            cloud.reset()
            answer, seconds = _get(f"{launchers}/{PROGRAM}", environment)
            secret = answer["Secret"]
            console.print(
                f"{label:7} {seconds * 1000:5.1f} ms   "
                f"{answer['Username']}, {secret[:8]}… ({len(secret)} characters)"
            )
            calls = ", ".join(sorted(cloud.calls)) or "none"
            console.print(f"    calls: {calls}", style="dim")
    console.print(_EXPLANATION, soft_wrap=True)


def _get(program: str, environment: dict[str, str]) -> tuple[dict[str, str], float]:
    start = time.perf_counter()
    done = subprocess.run(
        [program, "get"],
        input=HOST.encode(),
        env=environment,
        check=True,
        capture_output=True,
    )
    answer: dict[str, str] = json.loads(done.stdout)
    return answer, time.perf_counter() - start


if __name__ == "__main__":
    main()
