"""What a session remembers: launches on their way, and what was read last.

Owns its form, its age and its size. No token is kept; of what was read only what a chart has a
place for, for a quarter of an hour, and never longer than the token would have lasted or the person
stays signed in. It is kept apart from the session (``apart``), so that it is gone when its time is
over, whether or not anybody comes back.
"""

import base64
import time
import zlib
from dataclasses import asdict, dataclass

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from deeppcos.app.web.smart import apart
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


def remember_reading(request: HttpRequest, reading: Reading, *, lasts_s: int = 0) -> None:
    """Keep what was read until a chart is filled in, and no longer than its token would last.

    Args:
        request: The request.
        reading: What was read.
        lasts_s: How long the token lasts, s; 0 where the server did not say.

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
    seconds = min(LASTS_S, lasts_s) if lasts_s > 0 else LASTS_S
    forget_reading(request)
    store = apart.kept({**asdict(reading), "bundle": base64.b64encode(packed).decode()}, seconds)
    request.session[READING] = {"kept": store, "until": time.time() + seconds}


def remembered_reading(request: HttpRequest) -> Reading:
    """What was read last.

    Raises:
        InvalidInput: If nothing was, or it is too old.
    """
    known = request.session.get(READING) or {"kept": "", "until": 0.0}
    is_over = time.time() > float(known["until"])
    kept = {} if is_over else apart.content_of(str(known["kept"]))
    if not kept:
        forget_reading(request)
        raise InvalidInput(
            "what the record system said is not kept any longer",
            remedy="begin again in the record system",
        )
    unpacking = zlib.decompressobj()
    bundle = unpacking.decompress(base64.b64decode(kept["bundle"]), LARGEST_TEXT).decode()
    fields = {name: kept[name] for name in ("server", "number", "name", "birth_date")}
    return Reading(**fields, bundle=bundle)


def forget_reading(request: HttpRequest) -> None:
    """Remove what was read, as after signing out."""
    known = request.session.pop(READING, None)
    if known:
        apart.forget(str(known["kept"]))


@receiver(user_logged_out)
def _forget_at_the_end(request: HttpRequest, **_: object) -> None:
    """Signing out, by hand or after a while without work, ends what was read with it."""
    forget_reading(request)
