"""Figures of a million assessments, from ten thousand to ten million.

    python benchmarks/archive_analytics.py aggregate --sizes 10000 100000 1000000 10000000
    python benchmarks/archive_analytics.py engines --size 1000000
    python benchmarks/archive_analytics.py ray --size 1000000

Assessments are simulated women read by the real rule engine, drawn again with new pseudonyms until
there are enough; no person stands behind them. Each measurement runs in a process of its own, so
that its peak memory is its own. ``engines`` needs polars beside the research extra, ``ray`` the
cluster extra. An archive of files is the business of ``archive_instances``.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deeppcos.research.cohort import VIEW, open_cohort
from deeppcos.research.columns import AXES
from deeppcos.research.disclosure.ledger import Ledger
from deeppcos.research.engine import engine
from deeppcos.research.figures.families import families_of
from deeppcos.research.query import CohortQuery, parse_criteria
from deeppcos.research.release import release_cohort
from deeppcos.research.simulation import simulated_visits
from deeppcos.research.table import finish, open_table, quoted, write_tables

BASE_WOMEN = 4000
QUERY = CohortQuery(criteria=parse_criteria(["age_years=16..45"]))
THREADS = 2


def make_table(folder: Path, size: int) -> None:
    """A table of as many assessments, drawn from simulated women."""
    base = folder.parent / "base"
    if not base.exists():
        visits = list(simulated_visits(BASE_WOMEN))
        rows = [visit.rows() for visit in visits]
        tables = {
            "assessments": [r.assessment for r in rows],
            "ovaries": [o for r in rows for o in r.ovaries],
            "labs": [lab for r in rows for lab in r.labs],
            "readings": [one for visit in visits for one in visit.readings],
        }
        write_tables(base, tables, source="simulated women")
    folder.mkdir(parents=True)
    counts = {}
    [(assessments,)] = _asked(f"SELECT count(*) FROM {quoted(base / 'assessments.parquet')}")
    copies = -(-size // int(assessments))
    for name in ("assessments", "ovaries", "labs", "readings"):
        # Readings are of one in three women and are compared one by one: those of one copy.
        wanted = 1 if name == "readings" else copies
        limit = f"LIMIT {size}" if name == "assessments" else ""
        target = folder / f"{name}.parquet"
        _asked(
            f"COPY (SELECT b.* REPLACE (b.assessment_id || '-' || r AS assessment_id, "
            f"b.patient_id || '-' || r AS patient_id) FROM range({wanted}) t(r), "
            f"{quoted(base / f'{name}.parquet')} b {limit}) TO {quoted(target)} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        [(counts[name],)] = _asked(f"SELECT count(*) FROM {quoted(target)}")
    finish(folder, counts, source=f"{size:,} assessments drawn from {BASE_WOMEN:,} simulated women")


def _asked(statement: str) -> list[tuple[Any, ...]]:
    with engine(threads=THREADS) as connection:
        return connection.execute(statement).fetchall()


def counts_of(cohort: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of counts of the dashboard, before protection."""
    found = {}
    for family in families_of(cohort):
        expressions = ", ".join(variable.expression for variable in family.variables)
        found[family.key] = sorted(
            cohort.rows(f"SELECT {expressions}, count(*) FROM {VIEW} GROUP BY ALL")
        )
    found["quartiles"] = sorted(
        cohort.rows(
            f"SELECT manufacturer, quantile_cont(fnpo_largest, [0.25, 0.5, 0.75]) FROM {VIEW} "
            "WHERE fnpo_largest IS NOT NULL GROUP BY 1"
        )
    )
    return found


def measure_aggregate(folder: Path) -> dict[str, Any]:
    """One cohort of a table: every count, then the whole release with protection and figures."""
    table = open_table(folder)
    began, used = time.monotonic(), time.process_time()
    with open_cohort(table, QUERY, threads=THREADS) as cohort:
        tables = counts_of(cohort)
        women = cohort.women
    aggregated, used = time.monotonic() - began, time.process_time() - used
    aggregate_mib = peak_mib()
    began, released = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as ledger:
        release = release_cohort(
            table, QUERY, name="benchmark", ledger=Ledger(folder=Path(ledger)), command="benchmark"
        )
    return {
        "assessments": table.rows["assessments"],
        "women": women,
        "tables": len(tables),
        "aggregate_s": round(aggregated, 2),
        "aggregate_cpu_s": round(used, 2),
        "aggregate_peak_mib": aggregate_mib,
        "release_s": round(time.monotonic() - began, 2),
        "release_cpu_s": round(time.process_time() - released, 2),
        "release_peak_mib": peak_mib(),
        "figures": len(release.figures),
        "parquet_mib": round(sum(f.stat().st_size for f in folder.glob("*.parquet")) / 2**20, 1),
        "load_before": [round(one, 1) for one in os.getloadavg()],
    }


def peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure_polars(folder: Path) -> dict[str, Any]:
    """The same cohort and a part of its counts in Polars, for the choice of engine."""
    import polars as pl

    began = time.monotonic()
    chosen = (
        pl.scan_parquet(folder / "assessments.parquet")
        .filter(pl.col("age_years").is_between(16, 45))
        .sort(["performed_on", "assessment_id"], descending=True, nulls_last=True)
        .unique("patient_id", keep="first")
        .collect(engine="streaming")
    )
    _polars_counts(pl, chosen)
    return {"engine": "polars", "women": chosen.height, "s": round(time.monotonic() - began, 2),
            "cpu_s": round(time.process_time(), 2), "peak_mib": peak_mib()}  # fmt: skip


def _polars_counts(pl: Any, chosen: Any) -> None:
    chosen.group_by("status_rotterdam_2003", "status_guideline_2023").len()
    for axis in AXES:
        chosen.group_by(f"axis_{axis}").len()
    known = chosen.filter(pl.col("fnpo_largest").is_not_null())
    known.group_by("manufacturer").agg(pl.col("fnpo_largest").quantile(0.5))
    chosen.select(pl.all().count())


def measure_duckdb(folder: Path) -> dict[str, Any]:
    """The same as ``measure_polars`` in the engine that is shipped."""
    began = time.monotonic()
    with open_cohort(open_table(folder), QUERY, threads=THREADS) as cohort:
        cohort.rows(
            "SELECT status_rotterdam_2003, status_guideline_2023, count(*) "
            f"FROM {VIEW} GROUP BY ALL"
        )
        for axis in AXES:
            cohort.rows(f"SELECT axis_{axis}, count(*) FROM {VIEW} GROUP BY ALL")
        cohort.rows(f"SELECT manufacturer, median(fnpo_largest) FROM {VIEW} GROUP BY ALL")
        cohort.rows(f"SELECT count(COLUMNS(*)) FROM {VIEW}")
        women = cohort.women
    return {"engine": "duckdb", "women": women, "s": round(time.monotonic() - began, 2),
            "cpu_s": round(time.process_time(), 2), "peak_mib": peak_mib()}  # fmt: skip


def measure_ray(folder: Path, shards: int = 4) -> dict[str, Any]:
    """The same counts by shards of women on Ray, added up, against the embedded engine."""
    import ray

    table = open_table(folder)
    with open_cohort(table, QUERY, threads=THREADS) as cohort:
        whole = {k: v for k, v in counts_of(cohort).items() if k != "quartiles"}
    parts = list(_shards(folder, shards))
    ray.init(num_cpus=THREADS, include_dashboard=False, log_to_driver=False)
    try:
        remote: Any = ray.remote(num_cpus=1)(_shard_counts)
        began = time.monotonic()
        found = ray.get([remote.remote(str(part)) for part in parts])
        seconds = time.monotonic() - began
    finally:
        ray.shutdown()
    added: dict[str, dict[tuple[Any, ...], int]] = {}
    for shard in found:
        for key, rows in shard.items():
            for *classes, count in rows:
                place = added.setdefault(key, {})
                place[tuple(classes)] = place.get(tuple(classes), 0) + count
    same = {
        key: {tuple(classes): n for *classes, n in rows} == added[key]
        for key, rows in whole.items()
    }
    return {
        "assessments": table.rows["assessments"],
        "shards": shards,
        "tables": len(same),
        "equal": sum(same.values()),
        "ray_s": round(seconds, 2),
    }


def _shards(folder: Path, shards: int) -> Iterator[Path]:
    """The table cut by woman: all visits of one stay together."""
    for number in range(shards):
        part = folder.parent / f"{folder.name}-shard-{number}"
        if not part.exists():
            part.mkdir()
            counts = {}
            for name in ("assessments", "ovaries", "labs", "readings"):
                source, target = folder / f"{name}.parquet", part / f"{name}.parquet"
                _asked(
                    f"COPY (SELECT * FROM {quoted(source)} "
                    f"WHERE hash(patient_id) % {shards} = {number}) "
                    f"TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd)"
                )
                [(counts[name],)] = _asked(f"SELECT count(*) FROM {quoted(target)}")
            finish(part, counts, source="a shard")
        yield part


def _shard_counts(folder: str) -> dict[str, list[tuple[Any, ...]]]:
    """What a worker of the cluster counts."""
    with open_cohort(open_table(Path(folder)), QUERY, threads=1) as cohort:
        found = counts_of(cohort)
    del found["quartiles"]
    return found


def in_own_process(*words: str) -> dict[str, Any]:
    """Measure in a fresh interpreter."""
    run = subprocess.run(
        [sys.executable, __file__, *words], check=True, capture_output=True, encoding="utf-8"
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def table_at(folder: Path, size: int) -> Path:
    place = folder / f"table-{size}"
    if not place.exists():
        make_table(place, size)
    return place


ONE = {
    "aggregate": measure_aggregate,
    "polars": measure_polars,
    "duckdb": measure_duckdb,
    "ray": measure_ray,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["aggregate", "engines", "ray", "one"])
    parser.add_argument("--folder", type=Path, default=Path("build/archive-benchmark"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=sorted(ONE))
    parser.add_argument("--table", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.what == "one":
        print(json.dumps(ONE[given.kind](given.table)))
    else:
        kinds = {"aggregate": ["aggregate"], "ray": ["ray"]}.get(given.what, ["duckdb", "polars"])
        for size in given.sizes if given.what == "aggregate" else [given.size]:
            place = table_at(given.folder, size)
            for kind in kinds:
                print(json.dumps(in_own_process("one", "--kind", kind, "--table", str(place))))


if __name__ == "__main__":
    main()
