"""A release: weights, and the manifest the program wrote when it made them.

Owns loading and checking. A release whose weights, preprocessing or outputs differ from what
this program expects is refused: wrong numbers are worse than none.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deeppcos.errors import ContractBroken
from deeppcos.vision.follicles import FollicleRule
from deeppcos.vision.preprocess import CONTRACT, preprocessing_hash
from deeppcos.vision.uncertainty import CountInterval, LogisticCalibration, RatioInterval

MANIFEST_FILE = "manifest.json"
SCHEMA = "deeppcos.release/1"
INPUTS = ("pictures",)
OUTPUTS = ("maps", "answers")
MAP_NAMES = ("ovary", "lesion", "follicle", "core")
CALIBRATED = ("ovary", "lesion", "follicle")
"""Scores that need a calibration before they are called probabilities."""

SHIPPED = Path(__file__).parent / "weights"


class _Strict(BaseModel):
    """Every field is stated; none is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CalibrationEntry(_Strict):
    """Platt parameters of one score."""

    slope: float
    intercept: float


class CountIntervalEntry(_Strict):
    """Conformal parameters of the section count."""

    below: float
    above: float
    coverage: float


class AreaIntervalEntry(_Strict):
    """Conformal parameters of the section area, on the log scale."""

    below: float
    above: float
    coverage: float


class OperatingPoints(_Strict):
    """Every threshold the release was measured with, and how it looks.

    ``finer_squares`` overlapping squares a side, each half as wide as the picture, are looked at
    besides the whole for ovaries (0: none). ``close_looks`` close views follow each other, each
    around the outline of the one before.
    """

    ovary_map: float
    lesion_map: float
    close_margin: float
    asks_mirror_image: bool
    ovary_probability: float
    lesion_probability: float
    follicle_interior: float
    follicle_top: float
    follicle_least_area_px: int
    follicle_least_score: float
    finer_squares: int = Field(default=0, ge=0)
    close_looks: int = Field(default=1, ge=1)


class Manifest(_Strict):
    """What a release says of itself.

    Attributes:
        release_schema: Version of this layout.
        name: Release name.
        created: ISO date.
        weights_file: File beside the manifest.
        weights_sha256: Its hash.
        preprocessing_sha256: Hash of the preprocessing contract it was trained under.
        input: Shape, type and range of the input.
        map_names: Names of the map channels, in order.
        operating_points: Thresholds.
        calibrations: Platt parameters of ovary, lesion and follicle.
        count_interval: Conformal parameters of the section count.
        area_interval: Conformal parameters of the section area; None promises nothing.
        training: Configuration, data sources, split and counts.
        metrics: Measured on held-out groups, with intervals and n.
        intended_use: One paragraph.
        not_for: What it must not be used for.
        licence_notes: Licences of weights and of what they came from.
    """

    release_schema: str
    name: str
    created: str
    weights_file: str
    weights_sha256: str
    preprocessing_sha256: str
    input: str
    map_names: tuple[str, ...]
    operating_points: OperatingPoints
    calibrations: dict[str, CalibrationEntry]
    count_interval: CountIntervalEntry
    area_interval: AreaIntervalEntry | None = None
    training: dict[str, Any]
    metrics: dict[str, Any]
    intended_use: str
    not_for: tuple[str, ...]
    licence_notes: tuple[str, ...]


class Network(Protocol):
    """Something that answers maps and picture-level questions."""

    def __call__(
        self, pictures: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """``(N, 1, S, S)`` in [0, 1] to maps ``(N, 4, S, S)`` and answers ``(N, 2)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A network with its calibration, ready to look.

    Attributes:
        manifest: What the release says of itself.
        network: Pictures in, probabilities out.
    """

    manifest: Manifest
    network: Network

    @property
    def follicle_rule(self) -> FollicleRule:
        """Instance thresholds."""
        points = self.manifest.operating_points
        return FollicleRule(
            interior=points.follicle_interior,
            top=points.follicle_top,
            least_area_px=points.follicle_least_area_px,
            least_score=points.follicle_least_score,
        )

    def calibration(self, name: str) -> LogisticCalibration:
        """Calibration of ``ovary``, ``lesion`` or ``follicle``."""
        entry = self.manifest.calibrations[name]
        return LogisticCalibration(slope=entry.slope, intercept=entry.intercept)

    @property
    def count_interval(self) -> CountInterval:
        """Interval of the section count."""
        entry = self.manifest.count_interval
        return CountInterval(below=entry.below, above=entry.above, coverage=entry.coverage)

    @property
    def area_interval(self) -> RatioInterval | None:
        """Interval of the section area; None where the release promises none."""
        entry = self.manifest.area_interval
        if entry is None:
            return None
        return RatioInterval(below=entry.below, above=entry.above, coverage=entry.coverage)


def load_release(folder: Path = SHIPPED, *, threads: int = 2) -> Release:
    """Load and check a release.

    Args:
        folder: Folder with ``manifest.json`` and the weights.
        threads: CPU threads of the runtime.

    Returns:
        The release.

    Raises:
        ContractBroken: If anything differs from what was written.
    """
    manifest = read_manifest(folder)
    weights = folder / manifest.weights_file
    content = _content_of(weights)
    _expect("weights", value=hashlib.sha256(content).hexdigest(), accepted=manifest.weights_sha256)
    _expect("preprocessing", value=manifest.preprocessing_sha256, accepted=preprocessing_hash())
    _expect("input", value=manifest.input, accepted=str(CONTRACT["input"]))
    _expect("maps", value=str(manifest.map_names), accepted=str(MAP_NAMES))
    _expect(
        "calibrations",
        value=str(tuple(sorted(manifest.calibrations))),
        accepted=str(tuple(sorted(CALIBRATED))),
    )
    return Release(manifest=manifest, network=OnnxNetwork(content, threads=threads))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest alone.

    Args:
        folder: Folder of the release.

    Returns:
        The manifest.

    Raises:
        ContractBroken: If it is missing, damaged or of another layout.
    """
    content = _content_of(folder / MANIFEST_FILE)
    try:
        stated = json.loads(content)
        if isinstance(stated, dict) and "release_schema" in stated:
            # First of all: the fields of another layout are not damage.
            _expect("layout", value=str(stated["release_schema"]), accepted=SCHEMA)
        return Manifest.model_validate(stated)
    except (ValidationError, ValueError) as problem:
        raise ContractBroken(
            f"{folder / MANIFEST_FILE}: damaged manifest",
            value=_first_problem(problem),
            accepted=f"the layout {SCHEMA}, whole",
            remedy="reinstall DeepPCOS, or name a folder that holds a release",
        ) from problem


def _first_problem(problem: ValidationError | ValueError) -> str:
    """Which field is wrong, and how; for what is not JSON, where."""
    if not isinstance(problem, ValidationError):
        return str(problem)
    first = problem.errors()[0]
    field = ".".join(map(str, first["loc"])) or "manifest"
    return f"{field}: {first['msg']}"


class OnnxNetwork:
    """The network in ONNX Runtime, on the CPU, in 32-bit floats.

    Args:
        content: The ONNX file.
        threads: CPU threads.
    """

    def __init__(self, content: bytes, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as problem:  # the runtime's errors share no other base
            raise ContractBroken(
                "the release's weights cannot be loaded by ONNX Runtime",
                value=str(problem).splitlines()[0],
                accepted="an ONNX file of an operator set that the installed runtime knows",
                remedy="reinstall DeepPCOS",
            ) from problem
        for what, ports, accepted in (
            ("inputs", self._session.get_inputs(), INPUTS),
            ("outputs", self._session.get_outputs(), OUTPUTS),
        ):
            names = tuple(port.name for port in ports)
            _expect(what, value=str(names), accepted=str(accepted))

    def __call__(
        self, pictures: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """``(N, 1, S, S)`` in [0, 1] to maps ``(N, 4, S, S)`` and answers ``(N, 2)``."""
        maps, answers = self._session.run(list(OUTPUTS), {"pictures": pictures})
        return maps, answers


def _content_of(path: Path) -> bytes:
    """A file of the release."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ContractBroken(
            f"{path}: file of the release cannot be read",
            value=problem.strerror or "",
            remedy="reinstall DeepPCOS, or name a folder that holds a release",
        ) from problem


def _expect(what: str, *, value: str, accepted: str) -> None:
    """Refuse a release of which a part is not what its manifest or this program expects."""
    if value != accepted:
        raise ContractBroken(
            f"the release's {what} differ from what is expected",
            value=value,
            accepted=accepted,
            remedy="reinstall DeepPCOS; never mix files of two releases",
        )
