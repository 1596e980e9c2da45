"""Real processes: a coordinator and sites over TLS, a stranger, another version, one killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trustme

pytest.importorskip("torch", reason="federated training needs the train extra")
pytest.importorskip("flwr", reason="federated training needs the federated extra")

pytestmark = [pytest.mark.slow, pytest.mark.network]

PROGRAM = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from deeppcos.errors import DeepPCOSError
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.local import SiteData
said = json.loads(sys.argv[1])
home = Path(said["home"])
agreement = Agreement(network="plain_cnn", side_px=32, steps=said.get("steps", 3),
    secure=said.get("secure", False))
if said.get("sees"):
    agreement = Agreement(network="seeing", side_px=0, steps=2, batch=2)
if said.get("asks"):
    from deeppcos.app.disclosed import withheld_cells
    from deeppcos.learning.federated.question import Question
    question = Question(counts=(("class", "scanner"),), values={"age": (10, 30, 50)},
        fewest=said.get("few", 10))
if said.get("asks") and said["name"] == "coordinator":
    from deeppcos.learning.federated.admission import Place
    from deeppcos.learning.federated.asking import AskingOptions, ask_sites
    place = Place(address=said["address"], authority=home / "ca.pem",
        certificate=home / "server.pem", private_key=home / "server.key", keys=home / "keys")
    ask_sites(AskingOptions(place=place, question=question, fewest=2, wait_seconds=120.0,
        answer_seconds=60.0, out=home / "out"))
elif said.get("asks"):
    from deeppcos.learning.federated.asking import tell
    from deeppcos.learning.federated.site import SiteOptions
    from deeppcos.learning.federated.statistics import answer_of, as_text
    rows = [{"group": str(n), "class": "ovary", "age": str(20 + n),
             "scanner": "V8" if n % 2 else said["name"]} for n in range(24)]
    rows += [{"group": "x", "class": "ovary", "age": "30", "scanner": "serial 4711"}]
    try:
        tell(SiteOptions(address=said["address"], authority=home / "ca.pem",
            key=home / "private" / said.get("key", said["name"]), agreement=question),
            said["name"], as_text(answer_of(rows, question, withheld_cells)))
    except DeepPCOSError as problem:
        print(problem)
        sys.exit(2)
elif said["name"] == "coordinator":
    from deeppcos.learning.federated.admission import Place
    from deeppcos.learning.federated.coordinator import CoordinatorOptions, coordinate
    place = Place(address=said["address"], authority=home / "ca.pem",
        certificate=home / "server.pem", private_key=home / "server.key", keys=home / "keys")
    coordinate(CoordinatorOptions(place=place, agreement=agreement,
        rounds=said["rounds"], fewest=said.get("fewest", 2),
        round_seconds=said.get("late", 180.0),
        wait_seconds=240.0, join=said["join"], out=home / "out"))
else:
    from deeppcos.learning.federated.site import SiteOptions
    from deeppcos.learning.federated import taking_part
    from deeppcos.learning.federated.taking_part import take_part
    train, rounds = taking_part.trained, []
    def one_round(*given, **named):
        rounds.append(1)
        if len(rounds) == said.get("dies"):
            os._exit(9)
        time.sleep(said.get("naps", 0) if len(rounds) == 2 else said.get("pause", 0))
        return train(*given, **named)
    taking_part.trained = one_round
    chance = np.random.default_rng(len(said["name"]))
    def example(n):
        is_lesion = n % 2 == 0
        grey = chance.random((32, 32)).astype(np.float32) * (0.4 if is_lesion else 1.0)
        return Example(name=str(n), group=str(n), side="", picture=grey,
                       label="lesion" if is_lesion else "ovary")
    data = SiteData(name=said["name"], learning=tuple(example(n) for n in range(20)),
                    measured=tuple(example(n) for n in range(20, 30)))
    if said.get("sees"):
        from dataclasses import replace
        from deeppcos.learning.federated.seeing import SeeingData
        from deeppcos.learning.sources.synthetic import draw_synthetic
        from deeppcos.learning.train import split_samples
        # Drawn scenes as a hospital's own: those that say they are drawn are never held out.
        own = [replace(one, name=f"{said['name']}/{n}", group=f"{said['name']}/{n}", source="own")
               for n, one in enumerate(draw_synthetic(count=24, seed=len(said["name"])))]
        sides = split_samples(own)
        data = SeeingData(name=said["name"], learning=sides.training, measured=sides.held_out)
    try:
        take_part(SiteOptions(address=said["address"], authority=home / said.get("ca", "ca.pem"),
            key=home / "private" / said.get("key", said["name"]), agreement=agreement), data)
    except DeepPCOSError as problem:
        print(problem)
        sys.exit(2)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    from deeppcos.learning.federated.keys import make_key

    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other-ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    (tmp_path / "keys").mkdir()
    (tmp_path / "private").mkdir()
    for name in ("a", "bb", "ccc", "dd", "stranger"):
        public = make_key(tmp_path / "private" / name)
        if name != "stranger":
            public.rename(tmp_path / "keys" / public.name)
    return tmp_path


def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"localhost:{free.getsockname()[1]}"


def start(home: Path, name: str, place: str, **more: object) -> "subprocess.Popen[str]":
    said = json.dumps({"home": str(home), "name": name, "address": place, **more})
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, said],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1", "FLWR_TELEMETRY_ENABLED": "0"},
    )


def record(home: Path) -> list[dict[str, object]]:
    file = home / "out" / "rounds.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def trained_in(home: Path) -> list[set[str]]:
    """Sites of every round that was joined."""
    rounds = [line["trained"] for line in record(home) if "trained" in line]
    return [set(one) for one in rounds if isinstance(one, dict)]


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = process.communicate(timeout=800)
    return process.returncode, said


def end(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        process.kill()
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.timeout(900)
def test_sites_train_together_and_wrong_ones_are_sent_away_in_words(home: Path) -> None:
    place = address()
    coordinator = start(home, "coordinator", place, rounds=2, join="mean")
    good = [start(home, name, place) for name in ("a", "bb")]
    forged = start(home, "ccc", place, key="stranger")
    other = start(home, "dd", place, steps=7)
    try:
        assert ended(coordinator)[0] == 0, record(home)
        assert [ended(site)[0] for site in good] == [0, 0]
        for process, reason in ((forged, "prove who it is"), (other, "something else")):
            code, words = ended(process)
            assert code == 2, words
            assert reason in words
    finally:
        end(coordinator, *good, forged, other)
    assert trained_in(home) == [{"a", "bb"}, {"a", "bb"}]
    measured = [line["measured"] for line in record(home) if "measured" in line]
    assert set(measured[-1]) == {"a", "bb"}  # type: ignore[call-overload]
    with np.load(home / "out" / "weights.npz") as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights)


@pytest.mark.timeout(900)
def test_a_site_that_is_killed_mid_round_does_not_stop_the_others(home: Path) -> None:
    place = address()
    sites = {name: start(home, name, place) for name in ("a", "bb", "ccc")}
    coordinator = start(home, "coordinator", place, rounds=20, join="median")
    try:
        deadline = time.monotonic() + 250
        while not any("ccc" in trained for trained in trained_in(home)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # The next round, or the measuring of this one, has begun.
        sites["ccc"].send_signal(signal.SIGKILL)
        assert ended(coordinator)[0] == 0
    finally:
        end(coordinator, *sites.values())
    rounds = trained_in(home)
    assert len(rounds) == 20
    assert rounds[-1] == {"a", "bb"}


@pytest.mark.timeout(900)
def test_a_site_that_is_late_for_a_round_is_left_out_and_asked_again(home: Path) -> None:
    place = address()
    coordinator = start(home, "coordinator", place, rounds=40, join="mean", late=15.0)
    sites = [start(home, name, place, pause=0.3) for name in ("a", "bb")]
    sites.append(start(home, "ccc", place, pause=0.3, naps=25))
    try:
        assert ended(coordinator)[0] == 0, record(home)
    finally:
        end(coordinator, *sites)
    was_there = ["ccc" in trained for trained in trained_in(home)]
    assert not all(was_there)
    assert was_there[-1]
    assert [line.get("admitted") for line in record(home)].count("ccc") >= 2


@pytest.mark.timeout(900)
def test_sums_alone_are_seen_and_a_site_that_dies_while_it_trains_is_left_out(home: Path) -> None:
    place = address()
    coordinator = start(home, "coordinator", place, rounds=4, join="mean", secure=True, fewest=3)
    sites = [start(home, name, place, secure=True) for name in ("a", "bb", "ccc")]
    sites.append(start(home, "dd", place, secure=True, dies=2))
    try:
        assert ended(coordinator)[0] == 0, record(home)
    finally:
        end(coordinator, *sites)
    rounds = trained_in(home)
    assert rounds[-1] == {"a", "bb", "ccc"}
    with np.load(home / "out" / "weights.npz") as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights)


@pytest.mark.timeout(300)
def test_a_coordinator_that_nobody_vouches_for_is_not_spoken_to(home: Path) -> None:
    place = address()
    coordinator = start(home, "coordinator", place, rounds=1, join="mean")
    try:
        code, words = ended(start(home, "a", place, ca="other-ca.pem"))
    finally:
        end(coordinator)
    assert code == 2
    assert "cannot be reached" in words


@pytest.mark.timeout(900)
def test_the_network_that_reads_ovaries_is_trained_at_two_sites(home: Path) -> None:
    from deeppcos.learning.export import load_trained
    from deeppcos.learning.federated.weights import weights_of

    place = address()
    coordinator = start(home, "coordinator", place, rounds=2, join="mean", sees=True, late=400.0)
    sites = [start(home, name, place, sees=True) for name in ("a", "bb")]
    try:
        assert ended(coordinator)[0] == 0, record(home)
        assert [ended(site)[0] for site in sites] == [0, 0]
    finally:
        end(coordinator, *sites)
    assert trained_in(home) == [{"a", "bb"}, {"a", "bb"}]
    measured = [line["measured"] for line in record(home) if "measured" in line]
    assert set(measured[-1]) == {"a", "bb"}  # type: ignore[call-overload]
    found = weights_of(load_trained("seeing", home / "out" / "final.pt"))
    with np.load(home / "out" / "weights.npz") as kept:
        assert all(np.array_equal(a, kept[n]) for a, n in zip(found, kept.files, strict=True))


@pytest.mark.timeout(300)
def test_sites_are_counted_together_and_another_question_is_refused_in_words(home: Path) -> None:
    place = address()
    coordinator = start(home, "coordinator", place, asks=True)
    other = start(home, "dd", place, asks=True, few=11)
    forged = start(home, "ccc", place, asks=True, key="stranger")
    good: list[subprocess.Popen[str]] = []
    try:
        for process, reason in ((forged, "prove who it is"), (other, "fewest 11")):
            code, words = ended(process)
            assert code == 2, words
            assert reason in words
        good += [start(home, name, place, asks=True) for name in ("a", "bb")]
        assert ended(coordinator)[0] == 0, record(home)
        assert [ended(site)[0] for site in good] == [0, 0]
    finally:
        end(coordinator, *good, other, forged)
    written = (home / "out" / "statistics.json").read_text()
    found = json.loads(written)
    assert set(found["sites"]) == {"a", "bb"}
    # 25 patients a site: one on a scanner of her own, hidden with the 12 of the site's.
    assert found["counts"]["class x scanner"] == {"ovary / V8": 24}
    assert found["withheld_at"]["class x scanner"] == ["a", "bb"]
    assert found["values"]["age"]["patients"] == [20, 30]
    assert "4711" not in written
