"""Reads ``connections.toml`` and says, table and key by key, what is wrong with it.

Owns finding the file, its problems in words, and what one table asks of another. The tables
themselves stand in ``tables``. Secrets are read from the environment when they are needed, and
are kept nowhere.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deeppcos.app.connections.file_problems import in_words
from deeppcos.app.connections.tables import (
    ACCEPTED_BY,
    DicomWebPeerTable,
    FileTable,
    IncomingTable,
    ListenersTable,
    PeerTable,
    ProbeTable,
    RuleTable,
    SendingTable,
    What,
    When,
)
from deeppcos.errors import InvalidInput

FILE_NAME = "connections.toml"
VARIABLE = "DEEPPCOS_CONNECTIONS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Everything the file says.

    Attributes:
        peers: Name and table of every peer, in the order of the file.
        rules: What is sent to whom, and when.
        incoming: What is done with studies that arrive.
        probes: How thick the sections of the site's probes are.
        listeners: What listens.
        sending: How often is tried.
        issuer: Whose numbers Patient IDs are where nothing else says so; may be empty.
        path: The file.
    """

    peers: Mapping[str, PeerTable]
    rules: tuple[RuleTable, ...]
    incoming: tuple[IncomingTable, ...]
    probes: tuple[ProbeTable, ...]
    listeners: ListenersTable
    sending: SendingTable
    issuer: str
    path: Path

    def peer(self, name: str) -> PeerTable:
        """One peer.

        Raises:
            InvalidInput: If no table has that name.
        """
        if name not in self.peers:
            raise InvalidInput(
                f"{self.path.name} names no such peer",
                value=name,
                accepted=", ".join(self.peers) or "none: the file has no [peers.NAME] table",
                remedy=f"correct the name, or add [peers.{name}]",
            )
        return self.peers[name]


def connections_file(home: Path, given: Mapping[str, str] | None = None) -> Path:
    """Where the file is: named by DEEPPCOS_CONNECTIONS, else in the data folder.

    Args:
        home: The data folder.
        given: The environment; that of the process when None.
    """
    named = (os.environ if given is None else given).get(VARIABLE, "").strip()
    return Path(named).expanduser().absolute() if named else home / FILE_NAME


def read_connections(path: Path) -> Connections:
    """Read the file.

    Args:
        path: ``connections.toml``.

    Returns:
        What it says.

    Raises:
        InvalidInput: If it is missing or wrong; every problem is named with its table, key and
            value, what would be accepted, and what to do.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(
            f"there is no {path}",
            accepted="a file of connections",
            remedy=f"write one (docs/connections.md has an example), or name it by {VARIABLE}",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InvalidInput(
            f"{path.name} is no TOML",
            value=str(problem),
            accepted="TOML 1.0 in UTF-8",
            remedy="correct that line",
        ) from problem
    return connections_from(content, path)


def connections_from(content: Mapping[str, Any], path: Path) -> Connections:
    """The content of the file, checked.

    Args:
        content: What TOML says.
        path: The file; other files count from its folder.

    Raises:
        InvalidInput: As ``read_connections``.
    """
    try:
        table = FileTable.model_validate(content)
    except ValidationError as problems:
        raise _all_of([in_words(one, content, path) for one in problems.errors()], path) from None
    if wrong := list(_across(table, path)):
        raise _all_of(wrong, path)
    return Connections(
        peers={name: _with_whole_paths(peer, path.parent) for name, peer in table.peers.items()},
        rules=table.rules,
        incoming=table.incoming,
        probes=table.probes,
        listeners=_with_whole_paths(table.listeners, path.parent),
        sending=table.sending,
        issuer=table.identity.issuer,
        path=path,
    )


def secret_of(variable: str | None, given: Mapping[str, str] | None = None) -> str:
    """A secret by the name of its environment variable; empty where no name is given.

    Raises:
        InvalidInput: If the variable is not set.
    """
    if variable is None:
        return ""
    value = (os.environ if given is None else given).get(variable, "").strip()
    if not value:
        raise InvalidInput(
            f"the environment variable {variable} is not set",
            accepted="the secret the connection needs",
            remedy="set it where DeepPCOS is started, and start it again",
        )
    return value


def _with_whole_paths(table: Any, folder: Path) -> Any:
    """The table with every file as a whole path."""
    changes: dict[str, Any] = {}
    for name, value in table:
        if isinstance(value, Path):
            changes[name] = folder / value.expanduser()
        elif hasattr(value, "model_copy"):
            changes[name] = _with_whole_paths(value, folder)
    return table.model_copy(update=changes)


def _across(table: FileTable, path: Path) -> Iterator[InvalidInput]:
    """What one key or table asks of another."""
    for name, one in table.peers.items():
        if isinstance(one, DicomWebPeerTable) and not _is_way_in(one):
            yield InvalidInput(
                f"{path.name} [peers.{name}]: what lets us in is not clear",
                accepted="token_variable, or user and password_variable, or none of them",
                remedy="leave one way",
            )
    for place, rule in enumerate(table.rules, start=1):
        where = f"{path.name} [[rules]] number {place}"
        peer = table.peers.get(rule.to)
        if peer is None:
            yield InvalidInput(
                f"{where}: to names no peer",
                value=rule.to,
                accepted=", ".join(table.peers) or "a peer of the file",
                remedy=f"correct the name, or add [peers.{rule.to}]",
            )
            continue
        unfit = [what for what in rule.send if what not in ACCEPTED_BY[peer.kind]]
        if unfit:
            yield InvalidInput(
                f"{where}: send holds what a {peer.kind} peer cannot take",
                value=", ".join(unfit),
                accepted=", ".join(w for w in What if w in ACCEPTED_BY[peer.kind]),
                remedy="name it in a rule for a peer of its kind",
            )
        too_early = [what for what in rule.send if (what is What.IMAGES) != _is_arrival(rule)]
        if too_early:
            yield InvalidInput(
                f"{where}: send does not fit when",
                value=f"{', '.join(too_early)} when {rule.when}",
                accepted="images when arrived; everything else when analysed, signed or amended",
                remedy="divide the rule in two",
            )


def _is_way_in(peer: DicomWebPeerTable) -> bool:
    """Whether a token, a user with a password, or nothing is named."""
    is_whole = bool(peer.user) is (peer.password_variable is not None)
    return is_whole and not (peer.user and peer.token_variable)


def _is_arrival(rule: RuleTable) -> bool:
    return rule.when is When.ARRIVED


def _all_of(problems: list[InvalidInput], path: Path) -> InvalidInput:
    """One error for all problems."""
    if len(problems) == 1:
        return problems[0]
    lines = "\n".join(f"- {one}" for one in problems)
    return InvalidInput(f"{path.name} has {len(problems)} problems\n{lines}")
