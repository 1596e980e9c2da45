"""What the web application is told from outside: environment variables, read once.

Owns their names, their defaults and what each says. How a word is read as what it should be is
the business of ``told``; turning them into Django's settings that of ``settings``.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deeppcos.app.web.told import GIB, SHORTEST_SECRET, Told


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
        blind_percent: Of a hundred studies, how many are drawn to be read blind first.
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
    blind_percent: int = 20


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
    "BLIND_PERCENT": "of a hundred studies, how many are drawn by lot to be read blind first, 0 to "
    "50; 20 when absent",
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
    told = Told(os.environ if given is None else given)
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
        blind_percent=told.number("BLIND_PERCENT", 20, least=0, most=50),
    )
