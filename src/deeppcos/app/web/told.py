"""One environment variable, read as what it should be, or said to be wrong.

Owns the ways a word may be read. Which variables there are is the business of ``environment``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deeppcos.errors import InvalidInput

PREFIX = "DEEPPCOS_"
SHORTEST_SECRET = 50
"""Characters; Django's own advice for a secret key."""

ROLE_NAMES = ("sonographer", "clinician", "researcher", "administrator")

GIB = 1024**3
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Told:
    """The variables, each read as what it should be."""

    given: Mapping[str, str]

    def text(self, name: str, otherwise: str) -> str:
        """The variable without surrounding space, or what stands in for it."""
        return self.given.get(PREFIX + name, "").strip() or otherwise

    def flag(self, name: str, *, otherwise: bool) -> bool:
        """Yes or no in its usual spellings."""
        if PREFIX + name not in self.given:
            return otherwise
        word = self.given[PREFIX + name].strip().lower()
        if word not in _YES | _NO:
            raise _wrong(name, word, accepted="yes or no")
        return word in _YES

    def several(self, name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """Words with commas between them."""
        words = (word.strip() for word in self.given.get(PREFIX + name, "").split(","))
        return tuple(word for word in words if word) or otherwise

    def one_of(self, name: str, options: tuple[str, ...]) -> str:
        """One of a few words; the first stands in for none."""
        word = self.text(name, options[0])
        if word not in options:
            raise _wrong(name, word, accepted=", ".join(options))
        return word

    def size(self, name: str, otherwise: int) -> int:
        """A number of bytes, with or without its unit."""
        word = self.given.get(PREFIX + name, "").strip()
        if not word:
            return otherwise
        found = re.fullmatch(r"(\d+)\s*([KMG]?)B?", word.upper())
        if found is None:
            raise _wrong(name, word, accepted="a size such as 2GB or 500MB")
        factor = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}[found[2]]
        return int(found[1]) * factor

    def number(self, name: str, otherwise: int, *, least: int, most: int) -> int:
        """A whole number between two others."""
        word = self.text(name, str(otherwise))
        if not word.isdecimal() or not least <= int(word) <= most:
            raise _wrong(name, word, accepted=f"a whole number from {least} to {most}")
        return int(word)

    def issuer(self, name: str) -> str:
        """An address whose answers can be believed: HTTPS, or this computer."""
        word = self.text(name, "")
        if word and not _is_believed(word):
            raise _wrong(name, word, accepted="an address that begins with https://")
        return word

    def smart_servers(self, name: str) -> tuple[tuple[str, str], ...]:
        """Servers ``address=client-id``. An address may itself hold an equals sign."""
        found = []
        for word in self.several(name, ()):
            address, _, client = word.rpartition("=")
            if not (client and _is_believed(address)):
                raise _wrong(name, word, accepted="https://address=client-id")
            found.append((address, client))
        return tuple(found)

    def mail_server(self, name: str) -> str:
        """Address of a mail server; its password is never repeated."""
        word = self.text(name, "")
        parts = urlsplit(word)
        if word and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
            raise _wrong(name, "(not shown)", accepted="smtp://host:port or smtps://host:port")
        return word

    def addressees(self, name: str, server: str) -> tuple[str, ...]:
        """Mail addresses, which need a server."""
        found = self.several(name, ())
        for word in found:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", word):
                raise _wrong(name, word, accepted="name@host with commas between them")
        if found and not self.text(server, ""):
            raise _wrong(name, found[0], accepted=f"nothing, unless {PREFIX}{server} is set")
        return found

    def needed_with(self, name: str, other: str) -> str:
        """A word that must be there where another one is."""
        word = self.text(name, "")
        if self.text(other, "") and not word:
            raise _wrong(name, "absent", accepted=f"a word, because {PREFIX}{other} is set")
        return word

    def roles(self, name: str) -> tuple[tuple[str, str, str], ...]:
        """Mappings ``group=role@site``; a group may have several."""
        return tuple(_role_mapping(name, word) for word in self.several(name, ()))

    def secret(self, name: str) -> str:
        """A key long enough to be one."""
        key = self.given.get(PREFIX + name, "").strip()
        if key and len(key) < SHORTEST_SECRET:
            # The value is a secret, so that only its length is told.
            raise _wrong(
                name, f"{len(key)} characters", accepted=f"at least {SHORTEST_SECRET} characters"
            )
        return key


def _is_believed(address: str) -> bool:
    """Whether answers of an address can be believed: HTTPS, or this computer."""
    parts = urlsplit(address)
    is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool(parts.hostname) and parts.scheme in ({"https", "http"} if is_here else {"https"})


def _role_mapping(name: str, word: str) -> tuple[str, str, str]:
    """One mapping of a group. A group's name may itself hold an equals sign."""
    group, _, what = word.rpartition("=")
    role, _, site = what.partition("@")
    if not (group and site) or role not in ROLE_NAMES:
        raise _wrong(
            name, word, accepted=f"group=role@site with one of the roles {', '.join(ROLE_NAMES)}"
        )
    return group.strip(), role, site


def _wrong(name: str, value: str, *, accepted: str) -> InvalidInput:
    return InvalidInput(
        f"{PREFIX}{name} cannot be meant",
        value=value,
        accepted=accepted,
        remedy="correct the environment variable, or leave it out",
    )
