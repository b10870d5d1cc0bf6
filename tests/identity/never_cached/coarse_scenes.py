"""Scenes on a file system of whole seconds, where a file is written over in place.

Times and size tell nothing there: what is compared must be the content.
"""

from __future__ import annotations

from .stage import Stage, two_settings


def coarse_configuration(stage: Stage) -> None:
    """A configuration is written over in place within a second of its file system."""
    cloud = stage.ecr
    for settings in two_settings(cloud) * 2:
        stage.say("home one", (cloud.alias, settings))
        stage.ask(cloud, cloud.alias, *stage.shells)
        stage.ask(cloud, cloud.alias)


def coarse_token(stage: Stage) -> None:
    """A token of the next pod, the same way; for one Python and front must refuse."""
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
    """Other keys in a credentials file, the same way."""
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
