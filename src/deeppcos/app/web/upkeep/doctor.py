"""What is wrong with an installation, each with what to do about it.

Owns the checks. A check is a function in ``CHECKS``; it answers with findings and never raises.
"""

import importlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from deeppcos.app.web.upkeep.checks import Check, Verdict, fine, look, worst, wrong
from deeppcos.app.web.upkeep.provider_check import provider_checks, provider_sites
from deeppcos.errors import DeepPCOSError

LEAST_FREE_BYTES = 5 * 10**9
LEAST_PYTHON = (3, 11)
LONGEST_WAIT = timedelta(minutes=5)
WEB_PACKAGES = ("django", "csp", "whitenoise", "dj_database_url", "gunicorn", "django_tasks")


def examine(*, with_web: bool) -> Iterator[Check]:
    """Look at everything, cheap things first.

    Args:
        with_web: Whether the web application is set up here; its checks need Django started.

    Yields:
        Checks.
    """
    yield from _each(CHECKS)
    if not with_web:
        return
    yield from _each(WEB_CHECKS)
    tables = list(_each((_database,)))
    yield from tables
    if worst(tables) is Verdict.FINE:
        yield from _each(TABLE_CHECKS)


def _each(checks: Iterable[Callable[[], Iterator[Check]]]) -> Iterator[Check]:
    """What each check says; one that breaks says that it broke."""
    for check in checks:
        try:
            yield from check()
        except Exception as problem:  # A doctor that dies of the illness helps nobody.
            yield wrong(
                check.__name__.strip("_").replace("_", " "),
                f"{type(problem).__name__}: {problem}",
                "report this to the authors with the line above",
            )


def _python() -> Iterator[Check]:
    said = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < LEAST_PYTHON:
        yield wrong("Python", said, "install Python 3.11 or newer")
    else:
        yield fine("Python", said)


def _release() -> Iterator[Check]:
    """The served weights are whole, a picture goes through them, and their history is whole."""
    import numpy as np

    from deeppcos.app.releases.history import problems
    from deeppcos.app.web.served import served_release, shelf

    try:
        release = served_release()
        damaged = problems(shelf().folder)
    except DeepPCOSError as problem:
        yield wrong("network", str(problem), "reinstall DeepPCOS, or `deeppcos learn rollback`")
        return
    if damaged:
        yield wrong("releases", damaged[0], "restore releases/history.jsonl from a backup")
    maps, _ = release.network(np.zeros((1, 1, 256, 256), np.float32))
    if not np.isfinite(maps).all():
        yield wrong("network", "answers are not numbers", "reinstall onnxruntime")
    else:
        yield fine("network", f"{release.manifest.name} answers")


def _dicom_decoding() -> Iterator[Check]:
    """JPEG, JPEG-LS and JPEG 2000 pictures are decoded in a process of their own."""
    try:
        importlib.import_module("gdcm")
    except ImportError as problem:
        yield wrong("DICOM decoding", str(problem), "pip install python-gdcm")
    else:
        yield fine("DICOM decoding", "GDCM is there")


def _web_extra() -> Iterator[Check]:
    missing = []
    for name in WEB_PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        yield look(
            "web application",
            f"not installed: {', '.join(missing)}",
            "pip install 'deeppcos[web]' if this computer should serve it",
        )
    else:
        yield fine("web application", "installed")


def _data_folder() -> Iterator[Check]:
    from django.conf import settings

    home = Path(settings.DEEPPCOS_HOME)
    try:
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"written by deeppcos doctor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        yield wrong("data folder", f"{home}: {problem.strerror}", "let this user write there")
        return
    free = shutil.disk_usage(home).free
    said = f"{home}, {free / 1e9:.0f} GB free"
    if free < LEAST_FREE_BYTES:
        yield look("data folder", said, "free space, or move the data folder to a larger disk")
    else:
        yield fine("data folder", said)


def _secret_key() -> Iterator[Check]:
    from django.conf import settings

    from deeppcos.app.web.secret_key import SECRET_FILE

    file = Path(settings.DEEPPCOS_HOME) / SECRET_FILE
    if not file.exists():
        yield fine("secret key", "from the environment")
    elif stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield wrong("secret key", f"{file} can be read by others", f"chmod 600 {file}")
    else:
        yield fine("secret key", "in the data folder, for its owner only")


def _database() -> Iterator[Check]:
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
    except DatabaseError as problem:
        yield wrong(
            "data base", str(problem).strip(), "check DEEPPCOS_DATABASE_URL and start the server"
        )
        return
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield wrong(
            "data base",
            f"{len(waiting)} changes of its tables are waiting",
            "make a backup, then: python -m deeppcos.app.web migrate",
        )
    else:
        yield fine("data base", f"{connection.vendor}, tables are up to date")


def _worker() -> Iterator[Check]:
    """Whether jobs are taken from the queue."""
    from django.utils import timezone

    from deeppcos.app.web.models import Job, JobState

    oldest = Job.objects.filter(state=JobState.WAITING).order_by("asked_at").first()
    failed = Job.objects.filter(
        state=JobState.FAILED, ended_at__gte=timezone.now() - timedelta(days=1)
    ).count()
    if oldest is not None and timezone.now() - oldest.asked_at > LONGEST_WAIT:
        yield wrong(
            "background work",
            f"a job has waited since {oldest.asked_at:%d %b %H:%M}",
            "start a worker: python -m deeppcos.app.web work",
        )
    elif failed:
        yield look("background work", f"{failed} jobs failed today", "open them in the worklist")
    else:
        yield fine("background work", "nothing waits for long")


def _audit_trail() -> Iterator[Check]:
    from deeppcos.app.desk.audit_chain import GENESIS, problems_of
    from deeppcos.app.web.audit import as_event
    from deeppcos.app.web.models import AuditEvent, AuditHead

    head = AuditHead.objects.filter(pk=1).first()
    events = AuditEvent.objects.order_by("number").iterator()
    found = list(
        problems_of(
            ((as_event(row), row.hash) for row in events),
            head_number=head.number if head else 0,
            head_hash=head.hash if head else GENESIS,
        )
    )
    if found:
        yield wrong(
            "audit trail",
            found[0],
            "keep the data base as it is and find out who could write to it",
        )
    else:
        yield fine("audit trail", f"{head.number if head else 0} events, unbroken")


def _exposure() -> Iterator[Check]:
    """What is harmless on one's own computer and not on a network."""
    from django.conf import settings

    outside = set(settings.ALLOWED_HOSTS) - {"localhost", "127.0.0.1", "[::1]"}
    if settings.DEBUG:
        yield wrong("exposure", "errors show their source", "remove DEEPPCOS_DEBUG")
    if "*" in outside:
        yield wrong("exposure", "answers to every name", "name the hosts in DEEPPCOS_HOSTS")
    elif outside and not settings.SESSION_COOKIE_SECURE:
        yield wrong(
            "exposure",
            f"{', '.join(sorted(outside))} without HTTPS",
            "put a proxy with HTTPS in front and set DEEPPCOS_HTTPS=yes",
        )
    elif not settings.DEBUG:
        yield fine("exposure", "HTTPS" if outside else "this computer only")


def _accounts() -> Iterator[Check]:
    from deeppcos.app.web.models import Grant, Role

    administrators = Grant.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True)
    able = administrators.exclude(user__password__startswith="!").count()
    if able == 0:
        yield look(
            "accounts",
            "nobody has used the first link yet, or no administrator is left",
            "deeppcos serve prints a one-time link while there is no account",
        )
    else:
        yield fine("accounts", f"{able} administrator{'s' if able > 1 else ''}")


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (_python, _release, _dicom_decoding, _web_extra)
WEB_CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _data_folder,
    _secret_key,
    _exposure,
    provider_checks,
)
TABLE_CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _worker,
    _audit_trail,
    _accounts,
    provider_sites,
)
"""Asked only where the tables are up to date."""
