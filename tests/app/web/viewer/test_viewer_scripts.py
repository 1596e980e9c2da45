"""The viewer's own JavaScript: its tests in node, its types, its measures beside the server's."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from deeppcos.app.desk.marks.mark import kind_by_size
from deeppcos.app.web.viewer import urls
from deeppcos.vision.analyse import DOMINANT_FROM_MM, SMALLEST_COUNTED_MM
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import area_px, centroid, diameters_mm

HERE = Path(__file__).parent
SCRIPTS = Path(urls.__file__).parents[1] / "static" / "viewer"
TYPESCRIPT = "typescript@5.9"


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed (Debian: apt install nodejs)")
    return found


def test_the_modules_do_what_their_tests_say(node: str) -> None:
    done = subprocess.run(
        [node, "--test", str(HERE / "js")],
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = next(line for line in done.stdout.splitlines() if "pass " in line)
    assert int(passed.split()[-1]) >= 30


def test_browser_and_server_measure_the_same(node: str) -> None:
    rng = np.random.default_rng(5)
    outlines = []
    for _ in range(60):
        turns = np.sort(rng.uniform(0, 2 * np.pi, 24))
        radius = rng.uniform(4, 60) * rng.uniform(0.8, 1.2, 24)
        x, y = rng.uniform(80, 500, 2)
        ring = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], axis=1)
        outlines.append([[float(a), float(b)] for a, b in ring.round(2)])
    scale = MmPerPixel(x=0.13, y=0.21, source=ScaleSource.DICOM_REGIONS)
    asked = {
        "outlines": outlines,
        "scale": {"x": scale.x, "y": scale.y, "source": "dicom_regions"},
        "limits": {
            "smallest_counted_mm": SMALLEST_COUNTED_MM,
            "dominant_from_mm": DOMINANT_FROM_MM,
        },
    }
    done = subprocess.run(
        [node, "--no-warnings", str(HERE / "js" / "measures.mjs")],
        input=json.dumps(asked), capture_output=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip
    for outline, seen in zip(outlines, json.loads(done.stdout), strict=True):
        polygon = tuple((x, y) for x, y in outline)
        assert seen["area"] == pytest.approx(area_px(polygon), rel=1e-9)
        assert seen["centroid"] == pytest.approx(centroid(polygon), abs=1e-6)
        longest, across = diameters_mm(polygon, scale)
        # The server's hull is of single precision.
        assert (seen["longest"], seen["across"]) == pytest.approx((longest, across), abs=1e-3)
        assert seen["kind"] == kind_by_size(polygon, scale)


@pytest.mark.slow
@pytest.mark.network
def test_the_types_agree(node: str, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed (Debian: apt install npm)")
    fetched = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", TYPESCRIPT],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=200, check=False,
    )  # fmt: skip
    if fetched.returncode != 0:
        pytest.skip(f"npm cannot fetch {TYPESCRIPT} here")
    options = {
        "allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "types": [],
        "target": "es2023", "module": "es2022", "moduleResolution": "bundler",
        "lib": ["es2023", "dom", "dom.iterable"], "noUnusedLocals": True,
        "noUnusedParameters": True,
    }  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": options, "include": [f"{SCRIPTS}/*"]}), encoding="utf-8"
    )
    compiler = tmp_path / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [node, str(compiler), "-p", str(tmp_path)],
        capture_output=True, encoding="utf-8", timeout=200, check=False,
    )  # fmt: skip
    assert done.stdout == ""
    assert done.returncode == 0


def test_every_script_is_a_strict_module_without_forbidden_ways() -> None:
    scripts = sorted(SCRIPTS.glob("*.js"))
    assert len(scripts) > 15
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert text.startswith("// "), f"{script.name} does not say what it owns"
        for way in ("innerHTML", "eval(", "new Function", "document.write", 'setAttribute("style'):
            assert way not in text, f"{script.name} uses {way}"


def test_konva_is_vendored_with_its_licence() -> None:
    vendor = SCRIPTS.parent / "vendor"
    [library] = vendor.glob("konva-*.min.js")
    licence = library.with_name(library.name.replace(".min.js", ".LICENSE.txt"))
    assert "MIT License" in licence.read_text(encoding="utf-8")
