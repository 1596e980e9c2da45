"""Damaged HL7 v2 messages, MLLP streams and FHIR bundles: each is read or refused, nothing else.

Owns the damage, which is the same on every machine for one seed, and the counts. Usage:

    python benchmarks/fuzz_messages.py --count 20000 --seed 1
"""

import argparse
import copy
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from deeppcos.errors import DeepPCOSError
from deeppcos.records.fhir.reading import read_bundle
from deeppcos.records.hl7v2.acknowledgement import read_answer
from deeppcos.records.hl7v2.answering import answer, explain
from deeppcos.records.hl7v2.batch import batch_of, is_batch
from deeppcos.records.hl7v2.messages import Reading, Refused, read
from deeppcos.records.hl7v2.mllp.framing import BrokenFrame, Frames, framed

HEAD = "MSH|^~\\&|LAB|H|DEEPPCOS|H|20260105||{kind}|C-1|P|2.5.1||||||UNICODE UTF-8\r"
PERSON = "PID|1||17^^^WARD^MR||Kaya^Elif||19980104|F\r"
BODIES = {
    "ORU^R01^ORU_R01": PERSON
    + "OBR|1|||PANEL|||20251201\r"
    + "OBX|1|NM|3016-3^TSH^LN||2.1|mIU/L|0.4-4.0||||F\r"
    + "OBX|2|NM|2191-5^DHEAS^LN||180|µg/dL|||||F|||20251201\r",
    "ORM^O01": PERSON
    + "PV1|1|O|G1\rORC|NW|PL-1|FI-1\rOBR|1|PL-1|FI-1|USPELV^US pelvis^L|||||||||why|||||A-5\r"
    + "OBX|1|DT|8665-2^LMP^LN||20251220||||||F\r",
    "ADT^A40^ADT_A39": PERSON + "MRG|4^^^WARD^MR\r",
    "ADT^A08^ADT_A01": "EVN|A08\r" + PERSON,
}
MESSAGES = [(HEAD.format(kind=kind) + body).encode() for kind, body in BODIES.items()]
MESSAGES.append(b"FHS|^~\\&|RIS\r" + batch_of(MESSAGES[:2]) + b"FTS|1\r")
SPITE: tuple[bytes, ...] = (
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"\x00",
    b"\x0b",
    b"\x1c",
    b"\xff",
    b"\xc3",
)
SPITE += (b"\\F", b"MSH|", b"PID|", b"OBX|", b"BTS|9", b"8859/1", b"1e999", b"-1", b"9" * 400)

PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1998-01-06"}
ABOUT = {"subject": {"reference": "Patient/p"}}
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "searchset",
    "entry": [
        {"resource": PATIENT},
        {
            "resource": {
                "resourceType": "ImagingStudy",
                "id": "s",
                "status": "available",
                "started": "2026-01-05T10:00:00+03:00",
                **ABOUT,
            }
        },
        {
            "resource": {
                "resourceType": "Observation",
                "id": "o",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "3016-3"}]},
                "effectiveDateTime": "2025-12-01",
                "valueQuantity": {
                    "value": 2.1,
                    "unit": "mIU/L",
                    "system": "http://unitsofmeasure.org",
                    "code": "m[IU]/L",
                },
                "referenceRange": [{"high": {"value": 4.0, "unit": "mIU/L"}}],
                **ABOUT,
            }
        },
        {
            "resource": {
                "resourceType": "Condition",
                "id": "c",
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "77386006"}]},
                **ABOUT,
            }
        },
        {
            "resource": {
                "resourceType": "MedicationStatement",
                "id": "m",
                "status": "active",
                "medicationReference": {"reference": "#pill"},
                "contained": [
                    {
                        "resourceType": "Medication",
                        "id": "pill",
                        "code": {
                            "coding": [{"system": "http://www.whocc.no/atc", "code": "G03AA"}]
                        },
                    }
                ],
                **ABOUT,
            }
        },
    ],
}
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    "",
    "x" * 5000,
    [],
    {},
    [[]],
    "2026-13-45",
    "\x00",
)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A message with one to four pieces cut out, put in, doubled, swapped or changed."""
    broken = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(broken) + 1)
        to = min(len(broken), at + chance.choice((1, 1, 2, 8, 60)))
        piece = bytes(broken[at:to])
        change = chance.randrange(6)
        if change == 0:
            del broken[at:to]
        elif change == 1:
            broken[at:at] = chance.choice(SPITE)
        elif change == 2:
            broken[at:at] = piece * chance.choice((1, 3, 200))
        elif change == 3:
            broken[at:to] = chance.randbytes(to - at)
        elif change == 4:
            lines = bytes(broken).split(b"\r")
            chance.shuffle(lines)
            broken = bytearray(b"\r".join(lines))
        else:
            broken[at:to] = chance.choice(SPITE)
    return bytes(broken)


def twisted(bundle: dict[str, Any], chance: random.Random) -> str:
    """A bundle in which one to three values are gone, doubled or something else; or broken text."""
    made = copy.deepcopy(bundle)
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice(_places(made) or [({"x": 1}, "x")])
        change = chance.randrange(4)
        if change == 0:
            del holder[key]
        elif change == 1:
            holder[key] = copy.deepcopy(chance.choice(ODD))
        elif change == 2 and isinstance(holder, dict):
            holder[f"{key}X"] = holder[key]
        else:
            holder[key] = [copy.deepcopy(holder[key])] * 2
    text = json.dumps(made)
    if chance.random() < 0.2:
        text = damaged(text.encode(), chance).decode(errors="replace")
    return text


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value that can be changed."""
    found: list[tuple[Any, Any]] = []
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        found.append((value, key))
        if isinstance(child, dict | list):
            found += _places(child)
    return found


def one_message(chance: random.Random) -> str:
    """Read, answer and explain one damaged message."""
    content = damaged(chance.choice(MESSAGES), chance)
    kept: list[Reading] = []
    said = answer(content, keep=lambda _content, reading: kept.append(reading))
    explain(content)
    assert kept or is_batch(content), "nothing may be answered that was not kept"
    if not is_batch(content):
        reading = read(content)
        answered = read_answer(said) if said else None
        if said and answered is not None:
            assert (answered.code == "AA") == (not isinstance(reading, Refused)), said
        if isinstance(reading, Refused):
            assert reading.place
            return "refused"
        return type(reading).__name__
    refused = sum(isinstance(one, Refused) for one in kept)
    return "batch refused" if refused == len(kept) else "batch"


def one_stream(chance: random.Random) -> str:
    """Cut a damaged stream of two messages into pieces."""
    stream = damaged(framed(MESSAGES[0]) + framed(MESSAGES[1]), chance)
    frames, place = Frames(largest_bytes=4096), 0
    try:
        while place < len(stream):
            step = chance.randint(1, 500)
            assert all(len(one) <= 4096 for one in frames.feed(stream[place : place + step]))
            assert frames.held_bytes <= 4096
            place += step
    except BrokenFrame:
        return "stream broken"
    return "stream read"


def one_bundle(chance: random.Random) -> str:
    """Read one twisted bundle."""
    try:
        known = read_bundle(twisted(BUNDLE, chance))
    except DeepPCOSError:
        return "refused"
    return "read in part" if known.refused or known.questions else "read"


KINDS: dict[str, Callable[[random.Random], str]] = {
    "HL7 v2 messages": one_message,
    "MLLP streams": one_stream,
    "FHIR bundles": one_bundle,
}


def run(kind: str, *, count: int, seed: int) -> tuple[Counter[str], float]:
    """What became of many, and the longest processor time of one, s. A crash ends the run."""
    outcomes: Counter[str] = Counter()
    longest_s = 0.0
    for number in range(count):
        began = time.process_time()
        try:
            outcome = KINDS[kind](random.Random(f"{kind} {seed} {number}"))
        except Exception as error:
            error.add_note(f"{kind}, seed {seed}, number {number}")
            raise
        longest_s = max(longest_s, time.process_time() - began)
        outcomes[outcome] += 1
    return outcomes, longest_s


def main() -> None:
    """Run all kinds and print the table of docs/evidence/fuzz-hl7-fhir.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| kind | count | outcome | longest, ms of processor |\n|---|---|---|---|")
    for kind in KINDS:
        outcomes, longest_s = run(kind, count=given.count, seed=given.seed)
        said = ", ".join(f"{name} {number:,}" for name, number in outcomes.most_common())
        print(f"| {kind} | {given.count:,} | {said} | {longest_s * 1000:.0f} |")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nNo crash. Peak memory of the process {peak_mb:.0f} MB.")


if __name__ == "__main__":
    main()
