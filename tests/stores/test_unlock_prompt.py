"""A locked keyring on a display: its prompt is answered, refused or ignored.

Only this store's test has a mock: gnome-keyring's own prompt needs a person.
"""

from __future__ import annotations

import threading
import time

import pytest
from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    message_bus,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection
from support.program import BUSY_S

COLLECTION = "/org/freedesktop/secrets/collection/login"
ITEM = f"{COLLECTION}/1"
PROMPT = "/org/freedesktop/secrets/prompt/p1"
ATTRIBUTES = {"server": "r.io", "username": "user", "docker_cli": "1"}


class Service(threading.Thread):
    """A Secret Service with one locked item, and a simulated person at its prompt."""

    def __init__(self, address, person):
        super().__init__(daemon=True)
        self.person = person
        self.locked = True
        self.dismissed = False
        self.connection = open_dbus_connection(address)
        name = message_bus.RequestName("org.freedesktop.secrets")
        self.connection.send_and_get_reply(name, timeout=BUSY_S)

    def run(self):
        try:
            while True:
                message = self.connection.receive(timeout=BUSY_S)
                if message.header.message_type is MessageType.method_call:
                    self.answer(message)
        except (OSError, TimeoutError):
            return

    def answer(self, message):
        member = message.header.fields[HeaderFields.member]
        signature, body = getattr(self, f"on_{member.lower()}")(*message.body)
        self.connection.send(new_method_return(message, signature, body))
        if member == "Prompt" and self.person != "away":
            if self.person == "thinks":
                time.sleep(9)
            self.locked = self.person == "refuses"
            emitter = DBusAddress(PROMPT, interface="org.freedesktop.Secret.Prompt")
            done = (self.locked, ("ao", [] if self.locked else [ITEM]))
            self.connection.send(new_signal(emitter, "Completed", "bv", done))

    def on_searchitems(self, _):
        found = ([], [ITEM]) if self.locked else ([ITEM], [])
        return "aoao", found

    def on_readalias(self, _):
        return "o", (COLLECTION,)

    def on_unlock(self, _):
        return "aoo", ([], PROMPT)

    def on_prompt(self, _):
        return None, ()

    def on_dismiss(self):
        self.dismissed = True
        return None, ()

    def on_opensession(self, *_):
        return "vo", (("s", ""), "/org/freedesktop/secrets/session/s1")

    def on_getsecret(self, session):
        return "(oayays)", ((session, b"", b"secret", "text/plain"),)

    def on_get(self, _, name):
        value = {"Attributes": ("a{ss}", ATTRIBUTES), "Modified": ("t", 1)}[name]
        return "v", (value,)


@pytest.fixture
def serve(bus):
    """Return a function: it starts the service with a person of this behaviour."""
    running = []

    def start(person):
        service = Service(bus.variables["DBUS_SESSION_BUS_ADDRESS"], person)
        service.start()
        running.append(service)
        return service

    yield start
    for service in running:
        service.connection.sock.shutdown(2)
        service.join()
        service.connection.close()


def test_a_password_typed_into_the_prompt_opens_the_keyring(bus, serve):
    serve("types")
    assert bus.with_variables(DISPLAY=":0").get("r.io") == ("user", "secret")


@pytest.mark.slow
def test_who_thinks_for_longer_than_a_call_is_waited_for(bus, serve):
    serve("thinks")
    del bus.variables["DOCKCRED_TIMEOUT"]
    assert bus.with_variables(DISPLAY=":0").get("r.io") == ("user", "secret")


@pytest.mark.parametrize(
    ("person", "cause"), [("refuses", "stays so"), ("away", "was not typed in time")]
)
def test_a_prompt_refused_or_ignored_is_locked_in_time(bus, serve, person, cause):
    serve(person)
    limit = "2" if person == "away" else "30"
    helper = bus.with_variables(WAYLAND_DISPLAY="wayland-0", DOCKCRED_TIMEOUT=limit)
    answer = helper.run("get", "r.io")
    assert answer.status == 1
    assert cause in answer.stdout.decode()
    assert b"the keyring is locked" in answer.stdout
    assert (b"raise DOCKCRED_TIMEOUT" in answer.stdout) is (person == "away")


def test_without_a_display_the_prompt_is_put_away_unseen(bus, serve):
    service = serve("away")
    answer = bus.helper.run("get", "r.io")
    assert b"no display" in answer.stdout
    assert service.dismissed
