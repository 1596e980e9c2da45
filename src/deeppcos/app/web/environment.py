"""What the web application is told from outside: a dozen environment variables, read once.

Owns their names, their defaults and what is wrong with them. Turning them into Django's settings
is the business of ``settings``. Secrets come from here or from the data folder, nowhere else.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deeppcos.errors import InvalidInput

PREFIX = "DEEPPCOS_"
SECRET_FILE = "secret-key"
SHORTEST_SECRET = 50
"""Characters; Django's own advice for a secret key."""

ROLE_NAMES = ("sonographer", "clinician", "researcher", "administrator")

GIB = 1024**3
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything the web application is told from outside.

    Attributes:
        home: Data folder: database, pictures, reports, secret key.
        database_url: Where the data base is; a file in the data folder when empty.
        secret_key: Key of signatures; from the data folder when empty.
        hosts: Names this server answers to.
        is_https: Whether people reach it through HTTPS, so that cookies travel nowhere else.
        is_behind_proxy: Whether a proxy in front sets X-Forwarded-Proto and X-Forwarded-For.
        is_debug: Whether errors show their source; never where patients are.
        uploads: Whether new studies may be added at all.
        largest_upload_bytes: Limit of one upload, bytes.
        language: Language of the pages where the reader has no preference.
        time_zone: Name of the zone times are shown in.
        condition_name: Shown name of the condition: ``pcos``, ``pmos`` or ``both``.
        profile: Criteria profile of new assessments.
        api_calls_a_minute: Calls a minute that one token of the API may make.
        idle_minutes: After this long without a request somebody has to sign in again.
        oidc_issuer: Address of the hospital's OpenID Connect provider; none when empty.
        oidc_client_id: What this application is called there.
        oidc_client_secret: Its password there; none for a public client.
        oidc_name: Shown name of the provider.
        oidc_groups_claim: Claim that lists a person's groups.
        oidc_roles: Group, role and site of every mapping.
        smart_servers: Address of each FHIR server that may launch us, and our name there.
        smart_key: File of the private key we prove ourselves with there; none for a public client.
        smart_ca_file: Authorities of those servers' certificates; the system's when empty.
        smart_patient_system: Identifier system of the numbers the desk knows patients by.
        mail_server: Address of the server that takes mail; no mail when empty.
        mail_from: Address that mail comes from.
        mail_alarms: Addresses that alarms of the watch go to.
    """

    home: Path
    database_url: str = ""
    secret_key: str = ""
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    is_https: bool = False
    is_behind_proxy: bool = False
    is_debug: bool = False
    uploads: bool = True
    largest_upload_bytes: int = 2 * GIB
    language: str = "en-gb"
    time_zone: str = "UTC"
    condition_name: str = "both"
    profile: str = "guideline_2023"
    api_calls_a_minute: int = 600
    idle_minutes: int = 60
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = ""
    oidc_groups_claim: str = "groups"
    oidc_roles: tuple[tuple[str, str, str], ...] = ()
    smart_servers: tuple[tuple[str, str], ...] = ()
    smart_key: str = ""
    smart_ca_file: str = ""
    smart_patient_system: str = ""
    mail_server: str = ""
    mail_from: str = ""
    mail_alarms: tuple[str, ...] = ()


NAMES: dict[str, str] = {
    "HOME": "data folder: database, pictures, reports, secret key",
    "DATABASE_URL": "postgres://user:password@host:5432/name; a SQLite file in the data folder "
    "when absent",
    "SECRET_KEY": f"at least {SHORTEST_SECRET} random characters; kept in the data folder when "
    "absent",
    "HOSTS": "names this server answers to, with commas between them",
    "HTTPS": "yes when people reach the server through HTTPS",
    "BEHIND_PROXY": "yes when a proxy in front sets X-Forwarded-Proto and X-Forwarded-For",
    "DEBUG": "yes shows the source of errors; never where patients are",
    "UPLOADS": "no forbids new studies, as on a public demonstration",
    "LARGEST_UPLOAD": "limit of one upload, such as 2GB or 500MB",
    "LANGUAGE": "language of the pages where the reader has no preference, such as en-gb",
    "TIME_ZONE": "zone times are shown in, such as Europe/Istanbul",
    "NAME": "shown name of the condition: pcos, pmos or both",
    "PROFILE": "criteria profile of new assessments, such as guideline_2023",
    "API_CALLS": "calls a minute that one token of the API may make, such as 600",
    "IDLE_MINUTES": "minutes without a request after which somebody has to sign in again, such "
    "as 60",
    "OIDC_ISSUER": "address of the hospital's OpenID Connect provider; no such sign-in when absent",
    "OIDC_CLIENT_ID": "what this application is called there",
    "OIDC_CLIENT_SECRET": "its password there; absent for a public client",
    "OIDC_NAME": "shown name of the provider, such as Riverside Hospital",
    "OIDC_GROUPS_CLAIM": "claim that lists a person's groups, such as groups",
    "OIDC_ROLES": "roles of the provider's groups, group=role@site with commas between them",
    "SMART_SERVERS": "FHIR servers that may launch this application, "
    "https://address=client-id with commas between them",
    "SMART_KEY": "file of the private key to prove ourselves with there; absent for a public "
    "client",
    "SMART_CA_FILE": "file of the authorities of those servers' certificates; the system's when "
    "absent",
    "SMART_PATIENT_SYSTEM": "identifier system (URI) of the patient numbers used here",
    "MAIL_SERVER": "server that takes mail, smtp://user:password@host:587 (STARTTLS) or "
    "smtps://user:password@host:465; no mail when absent",
    "MAIL_FROM": "address that mail comes from",
    "MAIL_ALARMS": "addresses that alarms of the watch go to, with commas between them",
}
"""Every variable of the web application, without its prefix, and what it says."""


def read_environment(given: Mapping[str, str] | None = None) -> Environment:
    """Read every variable, or say what is wrong with one.

    Args:
        given: The variables; those of the process when None.

    Returns:
        What they say.

    Raises:
        InvalidInput: If a variable holds something that cannot be meant.

    Examples:
        >>> read_environment({"DEEPPCOS_LARGEST_UPLOAD": "500MB"}).largest_upload_bytes
        500000000
        >>> read_environment({"DEEPPCOS_HTTPS": "yes"}).is_https
        True
    """
    told = _Told(os.environ if given is None else given)
    return Environment(
        home=Path(told.text("HOME", "deeppcos-data")).expanduser().absolute(),
        database_url=told.text("DATABASE_URL", ""),
        secret_key=told.secret("SECRET_KEY"),
        hosts=told.several("HOSTS", ("localhost", "127.0.0.1", "[::1]")),
        is_https=told.flag("HTTPS", otherwise=False),
        is_behind_proxy=told.flag("BEHIND_PROXY", otherwise=False),
        is_debug=told.flag("DEBUG", otherwise=False),
        uploads=told.flag("UPLOADS", otherwise=True),
        largest_upload_bytes=told.size("LARGEST_UPLOAD", 2 * GIB),
        language=told.text("LANGUAGE", "en-gb"),
        time_zone=told.text("TIME_ZONE", "UTC"),
        condition_name=told.one_of("NAME", ("both", "pcos", "pmos")),
        profile=told.text("PROFILE", "guideline_2023"),
        api_calls_a_minute=told.number("API_CALLS", 600, least=1, most=100_000),
        idle_minutes=told.number("IDLE_MINUTES", 60, least=1, most=12 * 60),
        oidc_issuer=told.issuer("OIDC_ISSUER"),
        oidc_client_id=told.needed_with("OIDC_CLIENT_ID", "OIDC_ISSUER"),
        oidc_client_secret=told.text("OIDC_CLIENT_SECRET", ""),
        oidc_name=told.text("OIDC_NAME", ""),
        oidc_groups_claim=told.text("OIDC_GROUPS_CLAIM", "groups"),
        oidc_roles=told.roles("OIDC_ROLES"),
        smart_servers=told.smart_servers("SMART_SERVERS"),
        smart_key=told.text("SMART_KEY", ""),
        smart_ca_file=told.text("SMART_CA_FILE", ""),
        smart_patient_system=told.text("SMART_PATIENT_SYSTEM", ""),
        mail_server=told.mail_server("MAIL_SERVER"),
        mail_from=told.needed_with("MAIL_FROM", "MAIL_SERVER"),
        mail_alarms=told.addressees("MAIL_ALARMS", "MAIL_SERVER"),
    )


@dataclass(frozen=True, slots=True)
class _Told:
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


def stored_secret(home: Path) -> str:
    """The key kept in the data folder, or nothing where there is none yet."""
    try:
        return (home / SECRET_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def keep_a_secret(home: Path) -> None:
    """Make the key of a new data folder, readable by its owner only.

    Args:
        home: The data folder; made when it is missing.
    """
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(home / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(SHORTEST_SECRET) + "\n")
