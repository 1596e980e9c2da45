"""Ask every site the same question once: statistics over hospitals, through the engine of training.

Owns the conversation on both sides; connections, keys and admission are those of training. What is
counted is the business of ``statistics``, and joining of ``pooled``.
"""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.errors import DeepPCOSError, TemporaryFailure
from deeppcos.learning.federated.admission import Admission, Place, ask
from deeppcos.learning.federated.pooled import pooled, told
from deeppcos.learning.federated.question import Question
from deeppcos.learning.federated.site import TELEMETRY, Introduction, SiteOptions, converse

STATISTICS_FILE = "statistics.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingOptions:
    """How sites are asked.

    Attributes:
        place: Where the coordinator listens.
        question: What is asked.
        fewest: Sites that are waited for, and without which nothing is written.
        wait_seconds: How long they are waited for.
        answer_seconds: A site that has not answered by then is left out.
        out: Folder for ``statistics.json`` and the record.
    """

    place: Place
    question: Question
    fewest: int
    wait_seconds: float
    answer_seconds: float
    out: Path


def ask_sites(options: AskingOptions) -> Path:
    """Wait for sites, ask each, and write what they told together.

    Args:
        options: How.

    Returns:
        The file of the statistics.

    Raises:
        TemporaryFailure: If fewer sites answered than were asked for.
    """
    os.environ[TELEMETRY] = "0"
    from flwr.compat.server.app import start_server
    from flwr.server import History, Server, ServerConfig, SimpleClientManager

    options.out.mkdir(parents=True, exist_ok=True)
    admission = Admission(
        keys=options.place.keys,
        terms=options.question,
        out=options.out,
        fewest=options.fewest,
    )
    answers: dict[str, Mapping[str, Any]] = {}

    class Asking(Server):  # type: ignore[misc]
        def fit(self, num_rounds: int, timeout: float | None) -> Any:
            sites = admission.enough_or_all(self.client_manager(), options.wait_seconds)
            if len(sites) >= options.fewest:
                answers.update(_asked(admission, sites, options))
            return History(), 0.0

    start_server(
        server_address=options.place.address,
        server=Asking(client_manager=SimpleClientManager()),
        config=ServerConfig(num_rounds=1, round_timeout=options.answer_seconds),
        certificates=options.place.certificates(),
    )
    if len(answers) < options.fewest:
        raise TemporaryFailure(
            "too few sites answered",
            value=f"{len(answers)}",
            accepted=f"{options.fewest} or more",
            remedy=f"read the record in {options.out}: it names every site and refusal",
        )
    return _written(options.out / STATISTICS_FILE, pooled(answers, options.question))


def _asked(
    admission: Admission, sites: list[Any], options: AskingOptions
) -> dict[str, Mapping[str, Any]]:
    """What each site told; one that is lost or tells something else is named in the record."""

    def one(site: Any) -> tuple[str, Mapping[str, Any] | None]:
        name = admission.names[site.cid]
        try:
            said = ask(site, {"question": options.question.text()}, timeout=options.answer_seconds)
            return name, told(json.loads(str(said["answer"])), options.question)
        except DeepPCOSError as problem:
            admission.note(unusable=name, why=str(problem))
        except Exception as problem:  # the engine's kinds differ by how a connection broke
            admission.note_lost(site.cid, problem)
        return name, None

    with ThreadPoolExecutor(max_workers=len(sites)) as threads:
        found = dict(threads.map(one, sites))
    return {name: answer for name, answer in found.items() if answer is not None}


def _written(file: Path, content: Mapping[str, Any]) -> Path:
    """Write whole or not at all."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    fresh.replace(file)
    return file


@dataclass(slots=True, kw_only=True)
class Telling:
    """What a site answers to questions; nothing else is answered.

    Attributes:
        introduction: Who it is.
        answer: What leaves, worked out before anybody is called.
        times: How often it was told.
    """

    introduction: Introduction
    answer: str
    times: int = 0

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer the agreed question, or say who this is."""
        if "question" not in asked:
            return self.introduction.reply(asked)
        if asked["question"] != self.introduction.options.agreement.text():
            return {}
        self.times += 1
        return {"answer": self.answer}


def tell(options: SiteOptions[Question], name: str, answer: Mapping[str, Any]) -> None:
    """Call the coordinator and answer its question.

    Args:
        options: How; its agreement is the question.
        name: Name of the site.
        answer: What leaves, as ``statistics.as_text`` wrote it.

    Raises:
        InvalidInput: If the coordinator refused the site; says why.
        TemporaryFailure: If nobody answers, or nobody asked.
    """
    introduction = Introduction(options=options, name=name)
    telling = Telling(introduction=introduction, answer=json.dumps(answer, sort_keys=True))
    converse(introduction, {"get_properties": telling.reply})
    if not telling.times:
        raise TemporaryFailure(
            "the coordinator did not ask",
            value="nothing left this site",
            accepted="a coordinator that found enough sites",
            remedy="ask it when to call again",
        )
