"""How long a page of the worklist takes with a large archive, on SQLite or PostgreSQL.

    python benchmarks/worklist.py [--studies 100000] [--rounds 20] [--database-url URL]

Makes an archive of synthetic studies in a folder of its own, then asks for the pages people ask
for, through the whole application in this process: middleware, rights, data base, template. Without
a URL the data base is SQLite. With one, the archive is added to an empty data base there. Prints
median, 95th percentile and slowest of every page on the wall, and the mean processor time of this
process and the data base together, which does not depend on what else the machine does.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

PAGES = {
    "first page": "/",
    "one state": "/?state=in_review",
    "the largest state, page 200": "/?state=sent&page=200",
    "last page": "/?page=999999",
    "by patient": "/?order=patient",
    "nearest to a threshold": "/?order=closeness",
    "near a threshold, analysed": "/?near=1&state=analysed",
    "mine": "/?mine=1",
    "search: a family name": "/?q=yilmaz42",
    "search: two words": "/?q=demir+ada",
    "search: accession number": "/?q=syn-0077777",
    "search: nothing found": "/?q=nobody",
    "urgent, oldest first": "/?urgency=2&order=oldest",
}


def percentile_95(times: list[float]) -> float:
    """The 95th percentile of a list."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def measured(
    ask: Callable[[], int], rounds: int, used: Callable[[], float]
) -> tuple[list[float], float]:
    """Milliseconds of each round on the wall, and of processor time a round, after one to warm."""
    ask()
    times = []
    cpu = used()
    for _ in range(rounds):
        began = time.perf_counter()
        status = ask()
        times.append((time.perf_counter() - began) * 1e3)
        if status != 200:
            raise SystemExit(f"a page answered {status}")
    return times, (used() - cpu) * 1e3 / rounds


def processor_seconds(backend: int | None) -> float:
    """Processor time of this process and of the data base's own, where it runs here too."""
    own = time.process_time()
    try:
        fields = Path(f"/proc/{backend}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return own
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(name: str, times: list[float], cpu: float) -> None:
    """One line of the table."""
    print(
        f"{name:32s} median {statistics.median(times):7.0f} ms  p95 {percentile_95(times):7.0f} ms"
        f"  slowest {max(times):7.0f} ms  cpu {cpu:6.0f} ms"
    )


def status_of(client: "Client", address: str) -> int:
    """What a page answers."""
    return client.get(address).status_code


def main() -> int:
    """Make the archive and measure every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database-url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"DEEPPCOS_HOME": home, "DEEPPCOS_DATABASE_URL": options.database_url}
        os.environ["DEEPPCOS_HOSTS"] = "testserver"
        from deeppcos.app.web import preparing

        preparing.set_up_django()
        preparing.prepare()
        from django.core.management import call_command
        from django.db import connection
        from django.test import Client

        from deeppcos.app.web.models import User

        began = time.perf_counter()
        call_command("make_archive", studies=options.studies)
        print(f"{connection.vendor}: archive made in {time.perf_counter() - began:.0f} s")
        backend = None
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_backend_pid()")
                backend = cursor.fetchone()[0]
        client = Client()
        client.force_login(User.objects.get())
        every: list[float] = []
        for name, address in PAGES.items():
            times, cpu = measured(
                partial(status_of, client, address),
                options.rounds,
                lambda: processor_seconds(backend),
            )
            told(name, times, cpu)
            every += times
        print(f"{'all pages':32s} median {statistics.median(every):7.0f} ms"
              f"  p95 {percentile_95(every):7.0f} ms")  # fmt: skip
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
