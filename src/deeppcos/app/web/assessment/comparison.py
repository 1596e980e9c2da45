"""One study under two criteria profiles, criterion by criterion.

Owns which profiles are set side by side and what differs.
"""

from dataclasses import dataclass

from deeppcos.app.report import wording
from deeppcos.app.report.view import ReportView

COMPARED = ("rotterdam_2003", "guideline_2023")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCell:
    """One answer under one profile."""

    state: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """One question under every profile compared."""

    title: str
    cells: tuple[ComparedCell, ...]

    @property
    def differs(self) -> bool:
        """Whether the profiles answer differently."""
        return len({cell.words for cell in self.cells}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The profiles' names and every row."""

    profiles: tuple[str, ...]
    rows: tuple[ComparedRow, ...]

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return any(row.differs for row in self.rows)


def compared(views: tuple[ReportView, ...]) -> Comparison:
    """Set reports of one study under several profiles side by side."""
    rows = [
        ComparedRow(
            title="Conclusion",
            cells=tuple(ComparedCell(state="", words=_concluded(view)) for view in views),
        )
    ]
    for key, title in wording.CRITERION_TITLES.items():
        cards = [next(card for card in view.criteria if card.key == key) for view in views]
        rows.append(
            ComparedRow(
                title=title,
                cells=tuple(ComparedCell(state=card.state, words=card.word) for card in cards),
            )
        )
    return Comparison(profiles=tuple(view.profile for view in views), rows=tuple(rows))


def _concluded(view: ReportView) -> str:
    phenotype = view.document.conclusion.phenotype
    return f"{view.title}{f', phenotype {phenotype}' if phenotype else ''}"
