"""The errors of keychains, as clients get them."""

from __future__ import annotations

from dockcred.errors import DockcredError


class KeychainError(DockcredError):
    """A keychain was asked and failed."""


class KeychainAbsentError(KeychainError):
    """There is no such keychain here."""


class KeychainLockedError(KeychainError):
    """The keychain must be unlocked first."""


class InsecureKeychainError(KeychainError):
    """The keychain would keep secrets unencrypted, or not at all."""


_STATUS = "[GNUPG:] "
_MAX_SAID = 200
_NEW_KEY = "run 'pass init' with the id of a key of yours ('gpg -K' lists them)"


def pass_failed(verb: str, errors: str) -> KeychainError:
    """Return the error of a failed `pass`, with gpg's cause and a remedy for it."""
    said = _said(errors)
    known = [(line, _gpg_remedy(line)) for line in said]
    line, remedy = next((pair for pair in known if pair[1]), (said[-1], ""))
    return KeychainError(
        f"pass {verb} failed: {line}",
        remedy or "run 'pass ls' in a terminal to see the store's state",
    )


def not_decrypted(errors: str, entry: str) -> KeychainError:
    """Return the error of a gpg that could not decrypt, with the keys it needs."""
    lines = [
        line.removeprefix(_STATUS).split()
        for line in errors.splitlines()
        if line.startswith(_STATUS)
    ]
    wanted = [line[1] for line in lines if line[0] == "ENC_TO" and line[1:]]
    cause = f"gpg did not decrypt the entry: {_said(errors)[-1]}"
    if not wanted:
        return KeychainError(
            cause, f"see 'pass show {entry}'; where it is broken, log in again"
        )
    # gpg reports KEY_CONSIDERED only for a key whose secret part it has.
    if not any(line[0] == "KEY_CONSIDERED" for line in lines):
        return KeychainError(
            f"{cause} (it is for {', '.join(wanted)})",
            f"import that key's private part, or {_NEW_KEY} and log in again",
        )
    return KeychainError(
        f"{cause} (it is for {', '.join(wanted)})",
        f"run 'pass show {entry}' in a terminal, which can ask for the key's "
        "passphrase",
    )


def _said(errors: str) -> list[str]:
    """Return the lines for people, without gpg's status lines."""
    lines = [line.strip()[:_MAX_SAID] for line in errors.splitlines()]
    kept = [line for line in lines if line and not line.startswith(_STATUS)]
    return kept or ["no reason given"]


def _gpg_remedy(line: str) -> str:
    """Return the remedy for gpg's error about a recipient; "" for another line."""
    key = line.removeprefix("gpg: ").partition(":")[0]
    if "There is no assurance this key belongs to" in line:
        return f"if it is yours, run 'gpg --edit-key {key} trust quit' in a terminal"
    if line.endswith("Unusable public key"):
        return (
            "look at the key with 'gpg -k': one that has expired is good again after "
            f"'gpg --quick-set-expire FINGERPRINT 1y' and the same with '*' behind it; "
            f"else {_NEW_KEY}"
        )
    if ": skipped: " in line:
        return f"import the key {key} with 'gpg --import', or {_NEW_KEY}"
    return ""


class SecurityError(Exception):
    """macOS's Security framework returned this OSStatus."""

    def __init__(self, status: int) -> None:
        """Hold the number; `security error NUMBER` explains it."""
        super().__init__(status)
        self.status = status


class Item:
    """A generic credential of Windows: user, blob, and attributes by keyword."""

    __slots__ = ("attributes", "blob", "user")

    def __init__(self, user: str, blob: bytes, attributes: dict[str, bytes]) -> None:
        """Hold the three as they are."""
        self.user = user
        self.blob = blob
        self.attributes = attributes


class CredentialError(Exception):
    """Windows' credential API returned this error code."""

    def __init__(self, code: int) -> None:
        """Hold the number; `net helpmsg NUMBER` explains it."""
        super().__init__(code)
        self.code = code
