"""What a session remembers: launches on their way, and what was read last.

Owns its form, its age and its size. No token is kept; of what was read only what a chart has a
place for. After a quarter of an hour it is used no more; it stands in the session until it is asked
for again, read anew, or the session ends.
"""

import base64
import time
import zlib
from dataclasses import asdict, dataclass

from django.http import HttpRequest

from deeppcos.errors import InvalidInput
from deeppcos.records.fhir.smart import LaunchState

LAUNCHES, READING = "smart_launches", "smart_reading"
MOST_LAUNCHES = 5
LASTS_S = 15 * 60
LARGEST_BYTES = 2 * 1024**2
LARGEST_TEXT = 32 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a record system said of a patient.

    Attributes:
        server: Its address.
        number: Her number, as the desk writes it.
        name: Her name.
        birth_date: Her birth date as the system writes it, or empty.
        bundle: What a chart has a place for, FHIR JSON.
    """

    server: str
    number: str
    name: str
    birth_date: str
    bundle: str


def remember_launch(request: HttpRequest, launch: LaunchState, study: str) -> None:
    """Keep a launch until its answer comes.

    Args:
        request: The request.
        launch: What must come back.
        study: Id of the study it began at, or empty.
    """
    known = dict(request.session.get(LAUNCHES, {}))
    known[launch.state] = {"launch": asdict(launch), "study": study, "at": time.time()}
    newest = sorted(known.items(), key=lambda item: float(item[1]["at"]))[-MOST_LAUNCHES:]
    request.session[LAUNCHES] = dict(newest)


def take_launch(request: HttpRequest, state: str) -> tuple[LaunchState, str]:
    """The launch an answer belongs to, once; and the study it began at.

    Raises:
        InvalidInput: If there is none, or it is too old.
    """
    known = dict(request.session.get(LAUNCHES, {}))
    found = known.pop(state, None)
    request.session[LAUNCHES] = known
    if found is None or time.time() - float(found["at"]) > LASTS_S:
        raise InvalidInput(
            "this answer belongs to no launch of yours, or came too late",
            remedy="begin again in the record system",
        )
    return LaunchState(**found["launch"]), str(found["study"])


def remember_reading(request: HttpRequest, reading: Reading) -> None:
    """Keep what was read until a chart is filled in.

    Raises:
        InvalidInput: If it is too much.
    """
    packed = zlib.compress(reading.bundle.encode())
    if len(packed) > LARGEST_BYTES:
        raise InvalidInput(
            "the record system said more of this patient than can be taken at once",
            value=f"{len(packed):,} bytes",
            accepted=f"up to {LARGEST_BYTES:,}",
            remedy="export a file there and fill in the chart from it",
        )
    request.session[READING] = {
        **asdict(reading),
        "bundle": base64.b64encode(packed).decode(),
        "at": time.time(),
    }


def remembered_reading(request: HttpRequest) -> Reading:
    """What was read last.

    Raises:
        InvalidInput: If nothing was, or it is too old.
    """
    kept = request.session.get(READING)
    if not kept or time.time() - float(kept["at"]) > LASTS_S:
        request.session.pop(READING, None)
        raise InvalidInput(
            "what the record system said is not kept any longer",
            remedy="begin again in the record system",
        )
    unpacking = zlib.decompressobj()
    bundle = unpacking.decompress(base64.b64decode(kept["bundle"]), LARGEST_TEXT).decode()
    fields = {name: kept[name] for name in ("server", "number", "name", "birth_date")}
    return Reading(**fields, bundle=bundle)
