"""Compile every ``.po`` of the web application into the ``.mo`` beside it.

Run it after changing a translation; a test compares the two.
"""

from pathlib import Path

import polib

LOCALE = Path(__file__).parents[1] / "src" / "deeppcos" / "app" / "web" / "locale"


def compile_translations(locale: Path = LOCALE) -> list[Path]:
    """Write the compiled files; returns those that changed."""
    changed = []
    for source in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        compiled = polib.pofile(str(source)).to_binary()
        if not target.is_file() or target.read_bytes() != compiled:
            target.write_bytes(compiled)
            changed.append(target)
    return changed


if __name__ == "__main__":
    for file in compile_translations():
        print(file)
