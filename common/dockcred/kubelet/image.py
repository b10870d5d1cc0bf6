"""The registry in an image's name."""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.reference import HUB
from dockcred.server_url import ServerURL


class Image:
    """An image without tag and digest, as kubelet sends it.

    `registry` is the host[:port] just as it is written: kubelet compares the keys of
    our answer with it, and a key without a port matches no image with one.
    """

    __slots__ = ("registry", "server")

    def __init__(self, text: str) -> None:
        """Split the name; raise InvalidInputError for what names no registry."""
        name = _without_tag(text)
        registry = name.partition("/")[0]
        if "://" in text or not name:
            raise InvalidInputError(
                "the image of the request is refused: it is no image's name",
                "kubelet sends registry/path, without a scheme",
            )
        if "/" not in name or not (
            set(registry) & set(".:") or registry == "localhost"
        ):
            registry, name = HUB, f"{HUB}/{name}"
        self.registry = registry
        self.server = ServerURL.parse(name)


def _without_tag(text: str) -> str:
    """Drop :tag and @digest, which kubelet does not send but others may."""
    name = text.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}" if slash else name
