"""Candidates to put on a shelf: the shipped release with other bytes in its weights file."""

import hashlib
import json
from pathlib import Path
from typing import Any

from deeppcos.vision.release import MANIFEST_FILE, SHIPPED, read_manifest


def other_weights(remark: str) -> bytes:
    """The shipped network with a remark in it: the same answers, another hash.

    ``doc_string`` is field 6 of an ONNX model, and a protobuf reader takes the last of two.
    """
    manifest = read_manifest(SHIPPED)
    note = remark.encode()
    assert len(note) < 128
    return (SHIPPED / manifest.weights_file).read_bytes() + b"\x32" + bytes([len(note)]) + note


def candidate_in(
    tmp_path: Path, name: str, *, against: str = "", is_passed: bool = True, **report: Any
) -> Path:
    """Write a complete candidate with its gate report, and give its folder."""
    folder = tmp_path / "made" / name
    folder.mkdir(parents=True)
    manifest = read_manifest(SHIPPED)
    weights = other_weights(name)
    sha256 = hashlib.sha256(weights).hexdigest()
    (folder / manifest.weights_file).write_bytes(weights)
    changed = manifest.model_copy(update={"name": name, "weights_sha256": sha256})
    (folder / MANIFEST_FILE).write_text(
        json.dumps(changed.model_dump(mode="json")), encoding="utf-8"
    )
    content = {
        "is_passed": is_passed,
        "approvals": 2,
        "current_sha256": against or manifest.weights_sha256,
        "candidate_sha256": sha256,
        **report,
    }
    (folder / "gate.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
