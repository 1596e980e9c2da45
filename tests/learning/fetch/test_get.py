"""A data set from its source to the one layout, through the program's own command."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from deeppcos.app.verbs.data import data
from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch import catalogue
from deeppcos.learning.fetch.catalogue import ByRequest, Figshare, PublicSet, described
from deeppcos.learning.fetch.convert import CONVERSIONS, read_index
from deeppcos.learning.fetch.download import new_session
from deeppcos.learning.fetch.get import Consent, bring
from deeppcos.learning.fetch.receipt import read_receipt
from deeppcos.learning.fetch.repositories import figshare_listing
from deeppcos.learning.layouts import layout_of
from deeppcos.learning.pool import read_sets
from deeppcos.learning.sources.mmotu import CLASSES

pytestmark = pytest.mark.network
YES = Consent(licence=True)
run = CliRunner()


def texture(seed: int) -> npt.NDArray[np.uint8]:
    field = np.random.default_rng(seed).normal(0, 1, (96, 128)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(field, (0, 0), 3))
    return np.clip(110 + 400 * smooth, 15, 200).astype(np.uint8)


def encoded(pixels: npt.NDArray[Any], ending: str) -> bytes:
    done, content = cv2.imencode(ending, pixels)
    assert done
    return content.tobytes()


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def otu(classes: list[int]) -> bytes:
    """The archive of OTU_2d, in small."""
    files = {}
    for number, _ in enumerate(classes, start=1):
        mask = np.zeros((96, 128, 3), np.uint8)
        mask[20:60, 30:70] = (0, 0, 128)
        files[f"OTU_2d/images/{number}.JPG"] = encoded(texture(number), ".jpg")
        files[f"OTU_2d/annotations/{number}_binary.PNG"] = encoded(mask, ".png")
        files[f"OTU_2d/annotations/{number}.PNG"] = encoded(mask, ".png")
    lines = [f"{number}.JPG {name}" for number, name in enumerate(classes, start=1)]
    files["OTU_2d/train_cls.txt"] = "\n".join(lines[::2]).encode()
    files["OTU_2d/val_cls.txt"] = ("\n".join(lines[1::2]) + "\n99.JPG 5\n").encode()
    return packed(files)


def public(name: str = "mmotu", conversion: str = "mmotu", **changes: Any) -> PublicSet:
    stated: dict[str, Any] = {
        "name": name,
        "title": "A set",
        "source_url": "https://example.org/set",
        "access": Figshare(article=7),
        "licence": "CC BY 4.0",
        "size": "few",
        "good_for": "tests",
        "traps": (),
        "conversion": conversion,
    }
    return PublicSet(**{**stated, **changes})


def on_figshare(server: Any, content: bytes, licence: str = "CC BY 4.0", **behaviour: Any) -> Any:
    url = server.file("/set.zip", content, **behaviour)
    file = {"name": "set.zip", "size": len(content), "download_url": url, "computed_md5": ""}
    server.json("/articles/7", {"files": [file], "license": {"name": licence}, "version": 1})
    return lambda session, one: figshare_listing(session, 7, base=server.base)


def test_mmotu_becomes_the_one_layout_and_can_be_trained_on(server: Any, tmp_path: Path) -> None:
    archive = otu([5] * 13 + [2] * 3 + [7])
    with new_session() as session:
        receipt = bring(session, public(), tmp_path, YES, ask=on_figshare(server, archive))
    folder = tmp_path / "mmotu"
    assert receipt.files[0].checked_against == "nothing: recorded now"
    assert [item for item, _ in receipt.skipped] == ["99.JPG"]
    assert read_receipt(folder) == receipt
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mmotu"]
    rows = read_index(folder)
    assert [row["class"] for row in rows] == [CLASSES[5]] * 13 + [CLASSES[2]] * 3 + [CLASSES[7]]
    assert [row["group"] for row in rows] == ["0"] * 13 + ["1"] * 4
    assert {row["source_split"] for row in rows} == {"train", "val"}
    found = layout_of(folder)
    assert found is not None
    assert found.name == "mmotu"
    samples, _ = read_sets(folder)
    assert [s.kind for s in samples[:14]] == ["ovary"] * 13 + ["lesion"]
    assert samples[0].ovary is not None
    assert samples[0].ovary.sum() == 40 * 40


def test_a_set_that_is_here_is_not_brought_again_unless_asked(server: Any, tmp_path: Path) -> None:
    ask = on_figshare(server, otu([5, 2]))
    with new_session() as session:
        first = bring(session, public(), tmp_path, YES, ask=ask)
        asked = len(server.asked)
        assert bring(session, public(), tmp_path, Consent(licence=False), ask=ask) == first
        assert len(server.asked) == asked
        (tmp_path / "mmotu" / "my-notes.txt").write_text("mine", encoding="utf-8")
        bring(session, public(), tmp_path, YES, ask=ask, again=True)
        kept = [p for p in tmp_path.iterdir() if p.name.startswith(".mmotu.before-")]
        assert (kept[0] / "my-notes.txt").read_text(encoding="utf-8") == "mine"
        changed = on_figshare(server, otu([5, 2, 3]))
        with pytest.raises(InvalidInput, match="stated by the earlier receipt"):
            bring(session, public(), tmp_path, YES, ask=changed, again=True)
        assert len(read_index(tmp_path / "mmotu")) == 2


def test_a_licence_is_accepted_or_nothing_is_asked_for(server: Any, tmp_path: Path) -> None:
    ask = on_figshare(server, otu([5]))
    with new_session() as session:
        with pytest.raises(InvalidInput, match=r"not accepted; got CC BY 4\.0.*example\.org"):
            bring(session, public(), tmp_path, Consent(licence=False), ask=ask)
        assert server.asked == []
        other = on_figshare(server, otu([5]), licence="CC BY-NC 4.0")
        with pytest.raises(InvalidInput, match="another licence now; got CC BY-NC"):
            bring(session, public(), tmp_path, YES, ask=other)
        assert "/set.zip" not in [a.path for a in server.asked]
        both = Consent(licence=True, changed_licence=True)
        assert bring(session, public(), tmp_path, both, ask=other).licence == "CC BY-NC 4.0"


def test_a_folder_of_somebody_else_is_never_touched(server: Any, tmp_path: Path) -> None:
    (tmp_path / "mmotu").mkdir()
    (tmp_path / "mmotu" / "index.csv").write_text("mine", encoding="utf-8")
    with new_session() as session, pytest.raises(InvalidInput, match="not brought by this program"):
        bring(session, public(), tmp_path, YES, ask=on_figshare(server, otu([5])))
    assert (tmp_path / "mmotu" / "index.csv").read_text(encoding="utf-8") == "mine"


def test_what_came_before_a_failure_is_kept_and_used(server: Any, tmp_path: Path) -> None:
    archive = otu([5, 2])
    ask = on_figshare(server, archive, drop_after=[3000] + [0] * 20)
    with new_session() as session:
        session.headers["X"] = "y"
        with pytest.raises(TemporaryFailure, match="3000 bytes are here"):
            bring_fast(session, tmp_path, ask)
        assert not (tmp_path / "mmotu").exists()
        server.served["/set.zip"].drop_after.clear()
        receipt = bring(session, public(), tmp_path, YES, ask=ask)
    assert receipt.notes == ("set.zip: went on after 3000 bytes",)


def bring_fast(session: Any, root: Path, ask: Any) -> None:
    """Bring without waiting between tries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deeppcos.learning.fetch.download.TRIES", 1)
        bring(session, public(), root, YES, ask=ask)


def test_two_calls_at_once_do_not_meet_in_one_folder(server: Any, tmp_path: Path) -> None:
    import fcntl

    work = tmp_path / ".mmotu.bringing"
    work.mkdir()
    with (work / ".lock").open("w") as lock, new_session() as session:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TemporaryFailure, match="another call"):
            bring(session, public(), tmp_path, YES, ask=on_figshare(server, otu([5])))


def test_class_folders_and_pcosgen_become_an_index(server: Any, tmp_path: Path) -> None:
    picture = {n: encoded(texture(n), ".png") for n in range(6)}
    kaggle = packed(
        {
            "data/train/infected/a.png": picture[0],
            "data/train/notinfected/b.png": picture[1],
            "data/test/infected/a.png": picture[2],
            "data/test/notinfected/broken.png": b"nothing",
        }
    )
    gen = packed(
        {
            "PCOSGen-test/images/x.png": picture[3],
            "class label.csv": b"imagePath,Healthy\nx.png,1\nmissing.png,0\n",
        }
    )
    with new_session() as session:
        one = public("k", "classes")
        receipt = bring(session, one, tmp_path, YES, ask=on_figshare(server, kaggle))
        assert [item for item, _ in receipt.skipped] == ["test/notinfected/broken.png"]
        rows = {
            row["file"]: (row["class"], row["source_split"]) for row in read_index(tmp_path / "k")
        }
        assert rows == {
            "images/train/infected/a.png": ("infected", "train"),
            "images/test/infected/a.png": ("infected", "test"),
            "images/train/notinfected/b.png": ("notinfected", "train"),
        }
        receipt = bring(
            session, public("g", "pcosgen"), tmp_path, YES, ask=on_figshare(server, gen)
        )
    assert read_index(tmp_path / "g")[0]["class"] == "1"
    assert "no such picture" in receipt.skipped[0][1]


def test_a_set_on_request_is_brought_from_what_the_user_has(tmp_path: Path) -> None:
    one = public("u", "usova3d", access=ByRequest(how="Write to the authors."), licence="")
    archive = tmp_path / "Training_Set_2019.zip"
    archive.write_bytes(
        packed({"Training_Set_1/vol1.vtk": b"v", "Training_Set_1/vol1_o_r1.vtk": b"o"})
    )
    root = tmp_path / "sets"
    with new_session() as session:
        with pytest.raises(InvalidInput, match=r"on request only; Write to the authors\."):
            bring(session, one, root, YES)
        receipt = bring(session, one, root, YES, local=(archive,))
    assert archive.exists()
    assert sorted(p.name for p in (root / "u" / "volumes").iterdir()) == [
        "vol1.vtk",
        "vol1_o_r1.vtk",
    ]
    assert receipt.files[0].url == "local"


def test_a_set_that_is_not_what_it_was_is_refused_and_kept_for_another_try(
    server: Any, tmp_path: Path
) -> None:
    ask = on_figshare(server, packed({"readme.txt": b"moved"}))
    with new_session() as session, pytest.raises(InvalidInput, match=r"files named train_cls\.txt"):
        bring(session, public(), tmp_path, YES, ask=ask)
    assert not (tmp_path / "mmotu").exists()
    assert (tmp_path / ".mmotu.bringing" / "download" / "set.zip").exists()


def test_the_command_brings_audits_and_groups(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("deeppcos.app.verbs.audit")
    one = public("k", "classes", access=ByRequest(how="Write."), traps=("It leaks.",))
    monkeypatch.setitem(catalogue.PUBLIC_SETS, "k", one)
    have = tmp_path / "have"
    for side, label, seed in (
        ("train", "infected", 1),
        ("train", "infected", 2),
        ("train", "notinfected", 3),
        ("train", "notinfected", 4),
        ("test", "infected", 1),
        ("test", "notinfected", 3),
    ):
        place = have / side / label
        place.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(place / f"{side}{seed}.png"), texture(seed))
    told = run.invoke(data, ["get", "k", "--out", str(tmp_path / "sets")])
    assert told.exit_code == 2
    assert "trap: It leaks." in told.output
    assert "--accept-licence" in told.output
    arguments = [
        "get",
        "k",
        "--out",
        str(tmp_path / "sets"),
        "--accept-licence",
        "--from",
        str(have),
    ]
    done = run.invoke(data, arguments)
    assert done.exit_code == 1, done.output  # copies across the split spoil it
    folder = tmp_path / "sets" / "k"
    assert {p.name for p in (folder / "audit").iterdir()} == {
        "audit.html",
        "audit.json",
        "grouped-split.csv",
    }
    group = {row["file"]: row["group"] for row in read_index(folder)}
    assert group["images/train/infected/train1.png"] == group["images/test/infected/test1.png"]
    assert len(set(group.values())) <= 4
    samples, _ = read_sets(folder)
    assert len(samples) == 6
    assert {s.label for s in samples} == {"infected", "notinfected"}


def test_groups_are_written_from_names_from_the_audit_or_on_the_users_word(tmp_path: Path) -> None:
    for name in ("P1_a", "P1_b", "P2_a"):
        (tmp_path / "images").mkdir(exist_ok=True)
        assert cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), texture(1))
    told = run.invoke(data, ["groups", str(tmp_path), "--pattern", r"(P\d+)_"])
    assert "3 pictures of 2 patients" in told.output
    with (tmp_path / "groups.csv").open() as lines:
        assert list(csv.reader(lines))[1] == ["images/P1_a.png", "P1"]
    assert "3 patients" in run.invoke(data, ["groups", str(tmp_path), "--each-alone"]).output
    table = tmp_path / "grouped-split.csv"
    table.write_text("file,group,fold\nimages/P1_a.png,0,1\n", encoding="utf-8")
    audit = run.invoke(data, ["groups", str(tmp_path), "--from-audit", str(table)])
    assert "1 pictures of 1 patients" in audit.output
    for wrong in ([], ["--pattern", "P"], ["--pattern", "(X)"], ["--pattern", "("]):
        assert run.invoke(data, ["groups", str(tmp_path), *wrong]).exit_code == 2


def test_check_counts_and_names_what_training_would_pass_over(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        assert cv2.imwrite(str(folder / name / "1.png"), texture(3))
    (folder / "a" / "2.png").write_bytes(b"nothing")
    run.invoke(data, ["groups", str(folder), "--each-alone"])
    report = tmp_path / "report.json"
    told = run.invoke(data, ["check", str(folder), "--out", str(report)])
    assert told.exit_code == 1, told.output
    assert "k: 2 pictures of 1 groups (2 unknown), 1 passed over" in told.output
    assert json.loads(report.read_text(encoding="utf-8"))["skipped"][0]["item"] == "a/2.png"
    assert run.invoke(data, ["check", str(tmp_path / "absent")]).exit_code == 2


def test_every_set_of_the_catalogue_says_what_a_user_must_know() -> None:
    for one in catalogue.PUBLIC_SETS.values():
        assert one.conversion in CONVERSIONS
        assert one.source_url.startswith("https://")
        assert one.good_for
        assert one.traps, "a public set without a trap has not been looked at"
        assert any("licence:" in line for line in described(one))
    told = run.invoke(data, ["list"])
    assert all(name in told.output for name in catalogue.PUBLIC_SETS)
    assert "trap: No row belongs to any" in run.invoke(data, ["show", "kerala-541"]).output
    assert run.invoke(data, ["show", "nothing"]).exit_code == 2


def test_an_old_unfinished_conversion_does_not_get_in(server: Any, tmp_path: Path) -> None:
    stale = tmp_path / ".mmotu.bringing" / "mmotu"
    (stale / "images").mkdir(parents=True)
    (stale / "images" / "77.jpg").write_bytes(b"stale")
    with new_session() as session:
        bring(session, public(), tmp_path, YES, ask=on_figshare(server, otu([5, 2])))
    assert not (tmp_path / "mmotu" / "images" / "77.jpg").exists()
    shutil.rmtree(tmp_path / "mmotu")
