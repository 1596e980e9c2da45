"""Type on paper: fonts, text styles and what to do with letters the font lacks.

Owns the typography of the PDF. Bitstream Vera comes with reportlab and may be embedded; it
holds the Latin alphabets and the mathematical signs that the built-in PDF fonts lack.
"""

import unicodedata
from functools import cache
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from deeppcos.app.report.design import LIGHT, font_file

REGULAR, BOLD = "Vera", "Vera-Bold"
_STYLES: dict[str, tuple[str, float, float, str, float]] = {
    # name: font, size, leading, colour, space after
    "h1": (BOLD, 15.0, 20.5, "ink", 8),
    "h2": (BOLD, 11.0, 15.0, "ink", 7),
    "h3": (BOLD, 8.6, 12.0, "ink", 3),
    "eyebrow": (BOLD, 8.0, 11.0, "accent", 3),
    "body": (REGULAR, 8.4, 12.0, "ink", 2),
    "strong": (BOLD, 8.4, 12.0, "ink", 1),
    "state": (BOLD, 10.0, 13.0, "ink", 2),
    "number": (BOLD, 9.6, 13.0, "ink", 0),
    "quiet": (REGULAR, 7.2, 10.2, "muted", 2),
    "missing": (REGULAR, 7.8, 11.0, "unknown", 2),
    "alert": (BOLD, 9.4, 13.0, "alert", 2),
    "cell": (REGULAR, 7.2, 9.6, "ink", 0),
    "cell-head": (BOLD, 6.8, 9.6, "muted", 0),
}


@cache
def register_fonts() -> None:
    """Tell reportlab about the two fonts, once."""
    pdfmetrics.registerFont(TTFont(REGULAR, font_file()))
    pdfmetrics.registerFont(TTFont(BOLD, font_file(bold=True)))
    pdfmetrics.registerFontFamily(
        REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD
    )


def style(name: str, *, colour: str | None = None) -> ParagraphStyle:
    """A text style of the report, in another colour if one is named."""
    font, size, leading, ink, after = _STYLES[name]
    return ParagraphStyle(
        name,
        fontName=font,
        fontSize=size,
        leading=leading,
        textColor=HexColor(LIGHT[colour or ink]),
        spaceAfter=after,
        splitLongWords=True,
        allowWidows=0,
        allowOrphans=0,
    )


def printable(text: str) -> str:
    """The text in letters the font has; any other letter as its code point.

    Examples:
        >>> printable("m₂ 左.dcm")
        'm2 [U+5DE6].dcm'
    """
    return "".join(_printable_letter(letter) for letter in text)


def paragraph(text: str, name: str = "body", *, colour: str | None = None) -> Paragraph:
    """Plain text as a paragraph; markup in it is shown, not obeyed."""
    return Paragraph(escape(printable(text)), style(name, colour=colour))


def led_paragraph(lead: str, text: str, name: str = "body") -> Paragraph:
    """A paragraph that opens in bold."""
    parts = f"<b>{escape(printable(lead))}</b>", escape(printable(text))
    return Paragraph(" ".join(part for part in parts if part), style(name))


def bullet(text: str, name: str = "body") -> Paragraph:
    """A paragraph behind a bullet."""
    base = style(name)
    hanging = ParagraphStyle(f"{name}-bullet", parent=base, leftIndent=9, bulletIndent=1)
    return Paragraph(f"<bullet>•</bullet>{escape(printable(text))}", hanging)


def indented(text: str, name: str = "body") -> Paragraph:
    """A paragraph set in as far as a bullet's text."""
    inner = ParagraphStyle(f"{name}-indented", parent=style(name), leftIndent=9)
    return Paragraph(escape(printable(text)), inner)


def _printable_letter(letter: str) -> str:
    if letter in "\n\t":
        return " "
    if _has(letter):
        return letter
    plain = unicodedata.normalize("NFKC", letter)
    return plain if all(map(_has, plain)) else f"[U+{ord(letter):04X}]"


def _has(letter: str) -> bool:
    return letter.isprintable() and ord(letter) in _known_letters()


@cache
def _known_letters() -> frozenset[int]:
    return frozenset(TTFont(REGULAR, font_file()).face.charToGlyph)
