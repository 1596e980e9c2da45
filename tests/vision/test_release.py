"""A release is taken whole or not at all."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import ContractBroken
from deeppcos.vision.preprocess import CONTRACT, INPUT_SIDE_PX, preprocessing_hash
from deeppcos.vision.release import (
    MANIFEST_FILE,
    MAP_NAMES,
    SCHEMA,
    SHIPPED,
    Manifest,
    OnnxNetwork,
    Release,
    load_release,
    read_manifest,
)

WEIGHTS = b"weights of a network"
Floats = npt.NDArray[np.float32]


def stated(weights: bytes = WEIGHTS) -> dict[str, Any]:
    """A manifest as it is written."""
    return {
        "release_schema": SCHEMA,
        "name": "test-1",
        "created": "2026-01-02",
        "weights_file": "seeing.onnx",
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "preprocessing_sha256": preprocessing_hash(),
        "input": str(CONTRACT["input"]),
        "map_names": list(MAP_NAMES),
        "operating_points": {
            "ovary_map": 0.5,
            "lesion_map": 0.5,
            "close_margin": 0.25,
            "asks_mirror_image": False,
            "ovary_probability": 0.5,
            "lesion_probability": 0.3,
            "follicle_interior": 0.4,
            "follicle_top": 0.6,
            "follicle_least_area_px": 12,
            "follicle_least_score": 0.55,
        },
        "calibrations": {
            name: {"slope": 1.2, "intercept": -0.1} for name in ("ovary", "lesion", "follicle")
        },
        "count_interval": {"below": 0.5, "above": 1.0, "coverage": 0.9},
        "training": {"config": {"steps": 4}},
        "metrics": {},
        "intended_use": "Tests.",
        "not_for": ["people"],
        "licence_notes": ["none"],
    }


def written(folder: Path, manifest: dict[str, Any], weights: bytes = WEIGHTS) -> Path:
    (folder / "seeing.onnx").write_bytes(weights)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def refusal(folder: Path) -> ContractBroken:
    with pytest.raises(ContractBroken) as caught:
        load_release(folder)
    return caught.value


def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    manifest = Manifest.model_validate(stated())
    written(tmp_path, manifest.model_dump(mode="json"))
    assert read_manifest(tmp_path) == manifest


def test_the_rules_of_a_release_are_those_of_its_manifest() -> None:
    def no_network(pictures: Floats) -> tuple[Floats, Floats]:
        raise AssertionError("nobody looks here")

    release = Release(manifest=Manifest.model_validate(stated()), network=no_network)
    rule = release.follicle_rule
    assert (rule.interior, rule.top, rule.least_area_px, rule.least_score) == (0.4, 0.6, 12, 0.55)
    assert release.calibration("lesion").slope == 1.2
    assert release.count_interval.around(8).high == 11


def test_one_changed_byte_of_the_weights_is_refused(tmp_path: Path) -> None:
    problem = refusal(written(tmp_path, stated(), weights=WEIGHTS[:-1] + b"K"))
    assert "weights" in problem.what
    assert problem.accepted == hashlib.sha256(WEIGHTS).hexdigest()


def _other_preprocessing(manifest: dict[str, Any]) -> None:
    manifest["preprocessing_sha256"] = "0" * 64


def _other_maps(manifest: dict[str, Any]) -> None:
    manifest["map_names"] = ["lesion", "ovary", "follicle", "core"]


def _other_input(manifest: dict[str, Any]) -> None:
    manifest["input"] = "(N, 3, 512, 512) float32"


def _other_schema(manifest: dict[str, Any]) -> None:
    manifest["release_schema"] = "deeppcos.release/2"
    manifest["a_field_of_the_next_layout"] = 1


def _no_ovary_calibration(manifest: dict[str, Any]) -> None:
    del manifest["calibrations"]["ovary"]


@pytest.mark.parametrize(
    ("change", "named", "offending"),
    [
        (_other_preprocessing, "preprocessing", "0" * 64),
        (_other_maps, "maps", "('lesion', 'ovary', 'follicle', 'core')"),
        (_other_input, "input", "(N, 3, 512, 512) float32"),
        (_other_schema, "layout", "deeppcos.release/2"),
        (_no_ovary_calibration, "calibrations", "('follicle', 'lesion')"),
    ],
)
def test_a_release_of_another_contract_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], named: str, offending: str
) -> None:
    manifest = stated()
    change(manifest)
    problem = refusal(written(tmp_path, manifest))
    assert named in problem.what
    assert problem.value == offending
    assert problem.accepted
    assert problem.remedy


def _no_name(manifest: dict[str, Any]) -> None:
    del manifest["name"]


def _extra(manifest: dict[str, Any]) -> None:
    manifest["surprise"] = 1


def _wrong_type(manifest: dict[str, Any]) -> None:
    manifest["count_interval"]["below"] = "wide"


def _not_a_number(manifest: dict[str, Any]) -> None:
    manifest["count_interval"]["below"] = float("nan")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_no_name, "name"),
        (_extra, "surprise"),
        (_wrong_type, "count_interval.below"),
        (_not_a_number, "count_interval.below"),
    ],
)
def test_a_manifest_with_a_wrong_field_names_the_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], field: str
) -> None:
    manifest = stated()
    change(manifest)
    problem = refusal(written(tmp_path, manifest))
    assert "damaged manifest" in problem.what
    assert problem.value.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe\x00", b'{"release_schema": 3}']
)
def test_damaged_json_is_refused(tmp_path: Path, content: bytes) -> None:
    written(tmp_path, stated())
    (tmp_path / MANIFEST_FILE).write_bytes(content)
    problem = refusal(tmp_path)
    assert "manifest" in problem.what or "layout" in problem.what
    assert problem.value


@pytest.mark.parametrize("missing", [MANIFEST_FILE, "seeing.onnx"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    written(tmp_path, stated())
    (tmp_path / missing).unlink()
    problem = refusal(tmp_path)
    assert missing in problem.what
    assert problem.value


def test_weights_that_are_no_onnx_file_are_refused(tmp_path: Path) -> None:
    problem = refusal(written(tmp_path, stated()))
    assert "ONNX Runtime" in problem.what


def tiny_onnx(*, maps: str = "maps", pictures: str = "pictures") -> bytes:
    """Maps are the picture four times over; answers its mean and twice its mean."""
    onnx = pytest.importorskip("onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    side = INPUT_SIDE_PX
    nodes = [
        helper.make_node("Concat", [pictures] * 4, [maps], axis=1),
        helper.make_node("ReduceMean", [pictures], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["mean", "mean"], ["double"]),
        helper.make_node("Concat", ["mean", "double"], ["answers"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(pictures, number, ["n", 1, side, side])],
        [
            helper.make_tensor_value_info(maps, number, ["n", 4, side, side]),
            helper.make_tensor_value_info("answers", number, ["n", 2]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def test_a_whole_release_loads_and_answers(tmp_path: Path) -> None:
    content = tiny_onnx()
    release = load_release(written(tmp_path, stated(content), content), threads=1)
    pictures = np.full((2, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), 0.25, np.float32)
    maps, answers = release.network(pictures)
    assert maps.shape == (2, 4, INPUT_SIDE_PX, INPUT_SIDE_PX)
    assert maps == pytest.approx(0.25)
    assert np.allclose(answers, [[0.25, 0.5]] * 2)


@pytest.mark.parametrize(
    ("content", "named"), [({"maps": "masks"}, "outputs"), ({"pictures": "x"}, "inputs")]
)
def test_weights_with_other_ports_are_refused(content: dict[str, str], named: str) -> None:
    with pytest.raises(ContractBroken, match=named):
        OnnxNetwork(tiny_onnx(**content), threads=1)


@pytest.mark.skipif(not (SHIPPED / MANIFEST_FILE).is_file(), reason="no release is shipped yet")
def test_the_shipped_release_keeps_its_own_contract() -> None:
    release = load_release(threads=1)
    maps, answers = release.network(np.zeros((1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32))
    assert maps.shape == (1, len(MAP_NAMES), INPUT_SIDE_PX, INPUT_SIDE_PX)
    assert answers.shape == (1, 2)
    assert 0.0 <= maps.min() <= maps.max() <= 1.0
    assert release.manifest.intended_use
    assert release.manifest.not_for
