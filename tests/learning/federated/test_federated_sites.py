"""What a site and a coordinator agree on, prove and refuse, without a network between them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="federated training needs the train extra")
pytest.importorskip("monai", reason="federated training needs the train extra")
pytest.importorskip("cryptography", reason="federated training needs the federated extra")

from deeppcos.errors import InvalidInput
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.federated.admission import Admission
from deeppcos.learning.federated.agreement import Agreement, agreement_from, refuse_differences
from deeppcos.learning.federated.coordinator import usable
from deeppcos.learning.federated.dry_run import dry_run
from deeppcos.learning.federated.keys import make_key, refuse_forgery, sign
from deeppcos.learning.federated.local import (
    SiteData,
    fresh_network,
    one_round,
    scores,
    truth_of,
)
from deeppcos.learning.federated.partitions import skewed_sites
from deeppcos.learning.federated.site import Introduction, SiteOptions
from deeppcos.learning.federated.weights import load_weights, weights_of

AGREED = Agreement(network="plain_cnn", side_px=32, steps=4)


def example(number: int, *, label: str, group: str = "") -> Example:
    chance = np.random.default_rng(number)
    grey = chance.random((32, 32)).astype(np.float32) * (0.3 if label == "lesion" else 1.0)
    name = f"{label}-{number}"
    return Example(name=name, group=group or name, label=label, side="", picture=grey)


def examples(count: int, start: int = 0) -> tuple[Example, ...]:
    return tuple(
        example(n, label="lesion" if n % 2 else "ovary") for n in range(start, start + count)
    )


@pytest.fixture
def data() -> SiteData:
    return SiteData(name="north", learning=examples(16), measured=examples(6, start=100))


@pytest.fixture
def options(tmp_path: Path) -> SiteOptions[Agreement]:
    make_key(tmp_path / "north")
    return SiteOptions(
        address="localhost:1", authority=tmp_path / "none.pem", key=tmp_path / "north",
        agreement=AGREED,
    )  # fmt: skip


def admission(keys: Path) -> Admission:
    return Admission(keys=keys, terms=AGREED, out=keys, fewest=2)


def test_an_agreement_comes_back_as_it_was() -> None:
    assert agreement_from(AGREED.text()) == AGREED


@pytest.mark.parametrize(
    "text", ["", "[]", '{"network": "x", "new": 1}'], ids=["no", "list", "new"]
)
def test_another_version_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidInput, match="same version"):
        agreement_from(text)


def test_every_difference_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"side_px 64; software 9\.9"):
        refuse_differences(AGREED, replace(AGREED, side_px=64, software="9.9"))


def test_a_site_that_proves_itself_is_let_in(
    tmp_path: Path, data: SiteData, options: SiteOptions[Agreement]
) -> None:
    answer = Introduction(options=options, name=data.name).reply({"nonce": "n1"})
    let_in = admission(tmp_path)
    let_in.judge("connection", "n1", answer)
    assert let_in.names == {"connection": "north"}


@pytest.mark.parametrize(
    ("nonce", "change"),
    [
        ("n2", {}),
        ("n1", {"site": "south"}),
        ("n1", {"signature": "zz"}),
        ("n1", {"agreement": "{}"}),
    ],
    ids=["an old answer", "another name", "no signature", "changed afterwards"],
)
def test_a_forged_answer_is_refused(
    tmp_path: Path,
    data: SiteData,
    options: SiteOptions[Agreement],
    nonce: str,
    change: dict[str, str],
) -> None:
    answer = Introduction(options=options, name=data.name).reply({"nonce": "n1"}) | change
    with pytest.raises(InvalidInput):
        admission(tmp_path).judge("connection", nonce, answer)


def test_a_key_is_never_replaced_and_belongs_to_its_owner(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    assert (tmp_path / "k").stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidInput, match="there already"):
        make_key(tmp_path / "k")


def test_a_name_that_leaves_the_folder_is_no_site(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    make_key(tmp_path / "out")
    with pytest.raises(InvalidInput, match="not known"):
        refuse_forgery(
            tmp_path / "in", site="../out", words="w", signature=sign(tmp_path / "out", "w")
        )


def test_a_round_learns_and_repeats(data: SiteData) -> None:
    start = weights_of(fresh_network(AGREED))
    one, _ = one_round(start, data, AGREED, seed=1)
    again, _ = one_round(start, data, AGREED, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(one, start, strict=True))
    said = scores(one, data.measured, AGREED)
    assert said.shape == truth_of(data.measured, AGREED).shape


def test_weights_of_another_network_are_refused() -> None:
    weights = weights_of(fresh_network(AGREED))
    with pytest.raises(InvalidInput, match="another network"):
        load_weights(fresh_network(AGREED), weights[:-1])
    assert not usable(weights[:-1], weights)
    broken = [w.copy() for w in weights]
    broken[0].flat[0] = np.nan
    assert not usable(broken, weights)
    assert usable(weights, weights)


def test_a_dry_run_names_what_fails_and_goes_on(
    data: SiteData, options: SiteOptions[Agreement]
) -> None:
    said = {one.what: one for one in dry_run(options, data)}
    assert [bool(said[w].problem) for w in ("pictures", "key", "training")] == [False] * 3
    assert said["connection"].problem


def test_a_dry_run_finds_patients_on_both_sides_and_single_classes(
    data: SiteData, options: SiteOptions[Agreement]
) -> None:
    both = replace(data, measured=data.learning[:2])
    assert "2 patients" in next(iter(dry_run(options, both))).problem
    one_class = replace(data, learning=tuple(e for e in data.learning if e.label == "ovary"))
    assert "one class" in next(iter(dry_run(options, one_class))).problem


def test_partitions_keep_patients_whole_and_lean_by_class() -> None:
    every = [
        example(n, label="lesion" if n % 8 < 4 else "ovary", group=f"g{n // 4}") for n in range(400)
    ]
    sites = skewed_sites(every, AGREED)
    owners: dict[str, set[str]] = {}
    for site in sites:
        for one in (*site.learning, *site.measured):
            owners.setdefault(one.group, set()).add(site.name)
        assert not {e.group for e in site.learning} & {e.group for e in site.measured}
    assert all(len(names) == 1 for names in owners.values())
    shares = [truth_of(site.learning, AGREED).mean() for site in sites]
    assert shares[0] > shares[2]
