"""Writes the design system's colours as the style sheet ``static/desk/tokens.css``.

Owns nothing of its own: the colours stand in ``deeppcos.app.report.design``, so that pages and
reports look the same. A test keeps the file equal to what this writes.

Run ``python -m deeppcos.app.web.design_tokens`` after changing a colour.
"""

from pathlib import Path

from deeppcos.app.report.design import DARK, LIGHT, MARKS

FILE = Path(__file__).parent / "static" / "desk" / "tokens.css"


def tokens_css() -> str:
    """The style sheet: light, dark, and dark by the device where nobody chose."""
    marks = {f"mark-{name.replace('_', '-')}": style.colour for name, style in MARKS.items()}
    light = _block(":root", {**LIGHT, **marks}, scheme="light")
    dark = _block(':root[data-theme="dark"]', DARK, scheme="dark")
    by_device = _block(':root[data-theme="auto"]', DARK, scheme="dark", indent="  ")
    return (
        "/* Written by deeppcos.app.web.design_tokens from deeppcos.app.report.design. */\n"
        f"{light}{dark}@media (prefers-color-scheme: dark) {{\n{by_device}}}\n"
    )


def _block(selector: str, colours: dict[str, str], *, scheme: str, indent: str = "") -> str:
    lines = [f"{indent}  --{name}: {colour};" for name, colour in colours.items()]
    body = "\n".join([f"{indent}  color-scheme: {scheme};", *lines])
    return f"{indent}{selector} {{\n{body}\n{indent}}}\n"


if __name__ == "__main__":
    FILE.write_text(tokens_css(), encoding="utf-8")
