"""Who may take part: every newcomer is asked who it is and what it came for.

Owns admission, refusal in words and the record of a run. What is then asked of the sites that were
let in is the business of ``coordinator`` and ``asking``.
"""

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deeppcos.errors import DeepPCOSError
from deeppcos.learning.federated.agreement import Terms, refuse_differences, terms_from
from deeppcos.learning.federated.keys import refuse_forgery

ANSWER_SECONDS = 30.0
LOOK_SECONDS = 0.5
RECORD_FILE = "rounds.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a coordinator listens and what proves it.

    Attributes:
        address: ``host:port`` to listen on.
        authority: Certificate of the authority.
        certificate: The coordinator's.
        private_key: Its key.
        keys: Folder with ``SITE.pub`` of every site that may take part.
    """

    address: str
    authority: Path
    certificate: Path
    private_key: Path
    keys: Path

    def certificates(self) -> tuple[bytes, bytes, bytes]:
        """As the engine takes them."""
        return (
            self.authority.read_bytes(),
            self.certificate.read_bytes(),
            self.private_key.read_bytes(),
        )


@dataclass(slots=True, kw_only=True)
class Admission:
    """Who was let in; asked once a connection.

    Attributes:
        keys: Folder with ``SITE.pub`` of every site that may take part.
        terms: What all must share.
        out: Folder of the record.
        fewest: Sites that are waited for.
        names: Site by the engine's id of its connection.
        refused: Ids that were sent away.
    """

    keys: Path
    terms: Terms
    out: Path
    fewest: int
    names: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def judge(self, key: str, nonce: str, answer: dict[str, Any]) -> None:
        """Let a site in, or raise what is wrong with it."""
        site, agreement = str(answer.get("site", "")), str(answer.get("agreement", ""))
        words = f"{nonce}|{site}|{agreement}"
        signature = str(answer.get("signature", ""))
        refuse_forgery(self.keys, site=site, words=words, signature=signature)
        refuse_differences(self.terms, terms_from(agreement, type(self.terms)))
        self.names[key] = site

    def note(self, **said: Any) -> None:
        """One line of the record."""
        with (self.out / RECORD_FILE).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(said, default=float) + "\n")

    def note_lost(self, key: str, problem: Exception) -> None:
        """That a site did not answer."""
        why = str(problem) if isinstance(problem, DeepPCOSError) else type(problem).__name__
        self.note(lost=self.names.get(key, "a site that is gone"), why=why)

    def enough_or_all(self, manager: Any, wait_seconds: float) -> list[Any]:
        """Admitted sites, waiting for the fewest; those that are sent away do not count."""
        deadline = time.monotonic() + wait_seconds
        found = self.admitted(manager.all())
        while len(found) < self.fewest and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            found = self.admitted(manager.all())
        return found

    def admitted(self, clients: Mapping[str, Any]) -> list[Any]:
        """Sites that were let in, newcomers asked first."""
        for key, client in list(clients.items()):
            if key not in self.names and key not in self.refused:
                self._ask(key, client)
        return [client for key, client in clients.items() if key in self.names]

    def _ask(self, key: str, client: Any) -> None:
        """Ask a newcomer who it is, and send it away in words where that is wrong."""
        from flwr.common import ReconnectIns

        nonce = secrets.token_hex(16)
        try:
            answer = ask(client, {"nonce": nonce})
            try:
                self.judge(key, nonce, answer)
                self.note(admitted=self.names[key])
            except DeepPCOSError as problem:
                self.refused.add(key)
                self.note(refused=str(problem))
                ask(client, {"refused": str(problem)})
                with suppress(Exception):  # the engine calls a connection that ends as asked wrong
                    client.reconnect(
                        ReconnectIns(seconds=None), timeout=ANSWER_SECONDS, group_id=None
                    )
        except Exception as problem:  # the engine's kinds differ by how a connection broke
            self.note(lost=type(problem).__name__)


def ask(client: Any, words: dict[str, Any], *, timeout: float = ANSWER_SECONDS) -> Any:
    """Put a question to a site that is not about weights.

    Args:
        client: The engine's stand-in for the site.
        words: The question.
        timeout: Seconds after which the site counts as lost.

    Returns:
        The site's answer, by name.
    """
    from flwr.common import GetPropertiesIns

    return client.get_properties(GetPropertiesIns(words), timeout=timeout, group_id=None).properties
