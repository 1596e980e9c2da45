"""The aims of seeing and what the shipped release reaches, written into ``benchmarks/README.md``.

    python -m benchmarks.aims

Takes the figures from the shipped release's manifest, where ``deeppcos release`` wrote them, and
measures nothing: ``deeppcos evaluate --data FOLDER --out FOLDER`` does that again.
"""

from pathlib import Path

from benchmarks.speed import replaced

from deeppcos.learning.model_card import aims_table, gaps_table
from deeppcos.vision.release import SHIPPED, Manifest, read_manifest

PAGE = Path(__file__).resolve().parent / "README.md"


def section(manifest: Manifest) -> str:
    """What stands between the markers.

    Args:
        manifest: The release's manifest.

    Returns:
        Markdown.
    """
    held_out = manifest.training["held_out_groups"]
    head = (
        f"Release {manifest.name}, {manifest.training['split']}, {held_out} groups held out. "
        "Measured by `deeppcos evaluate --data FOLDER --out FOLDER`; intervals are 95 % by patient "
        "group."
    )
    parts = (head, aims_table(manifest.metrics), gaps_table(manifest.metrics))
    return "\n\n".join(part for part in parts if part)


def main() -> None:
    """Rewrite the section."""
    page = replaced(PAGE.read_text(encoding="utf-8"), "aims", section(read_manifest(SHIPPED)))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
