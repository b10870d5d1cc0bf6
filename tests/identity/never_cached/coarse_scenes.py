"""Scenes on a file system with times in seconds; files are overwritten in place.

A file's times and size do not change there, so the content must be compared.
"""

from __future__ import annotations

from .stage import Stage, two_settings


def coarse_configuration(stage: Stage) -> None:
    """A configuration is overwritten in place within one second."""
    cloud = stage.ecr
    for settings in two_settings(cloud) * 2:
        stage.say("home one", (cloud.alias, settings))
        stage.ask(cloud, cloud.alias, *stage.shells)
        stage.ask(cloud, cloud.alias)


def coarse_token(stage: Stage) -> None:
    """The next pod's token, overwritten alike; the last pod's answers end with it."""
    stage.world.aws = "pod"
    for subject in ("one", "two", "one", "two"):
        stage.world.rotate("pod", subject, 0, "in place")
        stage.ask(stage.ecr, stage.ecr.hosts[0], *stage.shells)
        stage.ask(stage.ecr, stage.ecr.hosts[0])
    stage.world.azure = "federated/one"
    for subject in ("one", "two", "one"):
        stage.world.rotate("azure", subject, 0, "in place")
        stage.ask(stage.acr, stage.acr.hosts[0], *stage.shells)
        stage.ask(stage.acr, stage.acr.hosts[0])


def coarse_credentials(stage: Stage) -> None:
    """Other keys in a credentials file, overwritten the same way."""
    stage.world.aws = "profile/one"
    for users in (("one", "two"), ("two", "one"), ("one", "two")):
        stage.world.swap_profiles(*users, "in place")
        stage.ask(stage.ecr, stage.ecr.hosts[0], *stage.shells)
        stage.ask(stage.ecr, stage.ecr.hosts[0], "launched", "launched", *stage.shells)
    stage.world.google = "file"
    for number in (0, 1, 0):
        stage.world.swap_google_file(number, "in place")
        stage.ask(stage.google, stage.google.hosts[0], *stage.shells)
        stage.ask(stage.google, stage.google.hosts[0], "launched", *stage.shells)
