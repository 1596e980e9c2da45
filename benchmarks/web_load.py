"""How the desk answers fifty people at once, on SQLite or PostgreSQL.

    python benchmarks/web_load.py [--people 50] [--seconds 60] [--studies 10000]
        [--database-url URL] [--locust PROGRAM] [--workers 2]

Makes an archive in a folder of its own with the example study read by the network, starts the web
server as ``deeppcos serve`` does, and lets locust's people work: worklist, search, study,
assessment, and the viewer with its data. Prints requests, errors, median and 95th percentile of
each page. Locust may live in an environment of its own (``--locust``); it takes processor time from
the same machine.
"""

import argparse
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WAIT_SECONDS = 300


def prepared(people: int, studies: int) -> dict[str, Any]:
    """An installation with accounts that are signed in, an archive, and one study that was read."""
    from deeppcos.app.web import preparing

    preparing.set_up_django()
    preparing.prepare()
    preparing.add_example()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connection

    from deeppcos.app.web.models import Grant, Role, Site, Study, User

    site = Site.objects.get()
    sessions = []
    for number in range(people):
        user = User.objects.create(username=f"person-{number}", full_name=f"Dr Person {number}")
        Grant.objects.create(user=user, site=site, role=Role.CLINICIAN)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        sessions.append(session.session_key)
    wait_until_read()
    call_command("make_archive", studies=studies, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    study = Study.objects.get(is_example=True)
    image = study.images.order_by("position").first()
    assert image is not None
    vendor = connection.vendor
    connection.close()
    return {
        "sessions": sessions,
        "study": str(study.pk),
        "image": str(image.pk),
        "vendor": vendor,
    }


def wait_until_read() -> None:
    """Have a worker read the example, and end it."""
    from deeppcos.app.web.models import Study

    worker = subprocess.Popen([sys.executable, "-m", "deeppcos.app.web", "work"])
    try:
        ends = time.monotonic() + WAIT_SECONDS
        while not Study.objects.filter(is_example=True, assessments__isnull=False).exists():
            if time.monotonic() > ends:
                raise SystemExit("the example was not read in time")
            time.sleep(1)
    finally:
        worker.terminate()
        worker.wait()


def serve(port: int, workers: int) -> "subprocess.Popen[bytes]":
    """The web server, answering."""
    from deeppcos.app.web.serving import Serving, commands_of

    serving = Serving(host="127.0.0.1", port=port, home=None, with_example=False)
    server_command, _ = commands_of(serving)
    server = subprocess.Popen([*server_command, "--workers", str(workers)])
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/"):
                return server
        except OSError:
            time.sleep(0.5)
    server.terminate()
    raise SystemExit("the server did not start")


def program(locust: str) -> str:
    """Locust's program: as named, on the path, or beside this Python; never found too late."""
    beside = Path(sys.executable).with_name("locust")
    found = shutil.which(locust) or (str(beside) if beside.exists() else None)
    if found is None:
        raise SystemExit(
            f"{locust} is not here: python -m venv load && load/bin/pip install locust, then "
            "add --locust load/bin/locust"
        )
    return found


def told(rows: list[dict[str, str]]) -> None:
    """The table locust wrote, in short."""
    for row in rows:
        print(
            f"{row['Name']:20s} {row['Request Count']:>7s} requests"
            f"  errors {row['Failure Count']:>4s}  median {float(row['50%']):6.0f} ms"
            f"  p95 {float(row['95%']):6.0f} ms"
        )


def main() -> int:
    """Prepare, serve, load, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--locust", default="locust")
    options = parser.parse_args()
    locust = program(options.locust)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        os.environ["DEEPPCOS_HOME"] = f"{folder}/home"
        os.environ["DEEPPCOS_DATABASE_URL"] = options.database_url
        given = prepared(options.people, options.studies)
        handed = Path(folder) / "load.json"
        handed.write_text(json.dumps(given))
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        server = serve(port, options.workers)
        try:
            subprocess.run(
                [
                    *(locust, "-f", str(HERE / "web_load_people.py"), "--headless"),
                    *("-u", str(options.people), "-r", "10", "-t", f"{options.seconds}s"),
                    *("-H", f"http://127.0.0.1:{port}", "--csv", f"{folder}/out", "--only-summary"),
                ],
                env=os.environ | {"DEEPPCOS_LOAD": str(handed)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        finally:
            server.terminate()
            server.wait()
        load = os.getloadavg()[0]
        if not Path(f"{folder}/out_stats.csv").exists():
            raise SystemExit("locust wrote no figures; run it by hand to see why")
        print(f"{given['vendor']}: {options.people} people, {options.seconds} s, load {load:.1f}")
        with Path(f"{folder}/out_stats.csv").open(encoding="utf-8") as table:
            told(list(csv.DictReader(table)))
        errors = 0
        with Path(f"{folder}/out_failures.csv").open(encoding="utf-8") as table:
            for row in csv.DictReader(table):
                print(f"error: {row['Name']}: {row['Error']} ({row['Occurrences']} times)")
                errors += int(row["Occurrences"])
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
