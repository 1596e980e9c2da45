"""The picture of who changes class: two columns of blocks and the ribbons between them.

Owns its geometry, in pixels from the upper left. Screen and paper draw from the same layout. A
withheld ribbon has a fixed width, so that it tells nothing of its count.
"""

from dataclasses import dataclass
from typing import Any

from deeppcos.research.figures.figure import Figure

BLOCK_WIDTH, GAP, LEAST = 16.0, 14.0, 3.0
WITHHELD_HEIGHT = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One class on one side.

    Attributes:
        side: ``from`` or ``to``.
        label: The class.
        women: How many; None where withheld.
        x: Left edge.
        y: Upper edge.
        height: Height.
    """

    side: str
    label: str
    women: int | None
    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        """Where its label goes."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """Women of one class before and one class after.

    Attributes:
        before: Class before.
        after: Class after.
        women: How many; None where withheld.
        start: Upper and lower end on the left.
        end: Upper and lower end on the right.
        x: Left and right.
    """

    before: str
    after: str
    women: int | None
    start: tuple[float, float]
    end: tuple[float, float]
    x: tuple[float, float]

    @property
    def is_change(self) -> bool:
        """Whether the class differs."""
        return self.before != self.after

    @property
    def curves(self) -> list[tuple[str, tuple[tuple[float, float], ...]]]:
        """Move, curve, line, curve back: letters of SVG with their points."""
        left, right = self.x
        middle = (left + right) / 2
        (top, bottom), (end_top, end_bottom) = self.start, self.end
        return [
            ("M", ((left, top),)),
            ("C", ((middle, top), (middle, end_top), (right, end_top))),
            ("L", ((right, end_bottom),)),
            ("C", ((middle, end_bottom), (middle, bottom), (left, bottom))),
        ]

    @property
    def path(self) -> str:
        """The outline as SVG writes it."""
        return (
            " ".join(
                letter + " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
                for letter, points in self.curves
            )
            + " Z"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLayout:
    """Where everything stands.

    Attributes:
        width: Width of the picture.
        height: Height of the picture.
        blocks: Blocks of both sides.
        ribbons: Ribbons, those that stay first so that changes lie on top.
        left: Right edge of the blocks on the left.
        right: Left edge of the blocks on the right.
    """

    width: float
    height: float
    blocks: tuple[Block, ...]
    ribbons: tuple[Ribbon, ...]
    left: float
    right: float


def flow_layout(
    figure: Figure, *, width: float = 860.0, height: float = 380.0, room: float = 240.0
) -> FlowLayout:
    """Lay out a flow figure.

    Args:
        figure: A figure drawn as a flow.
        width: Width, pixels.
        height: Height, pixels.
        room: Room left and right for labels, pixels.

    Returns:
        The layout; empty where the figure is.
    """
    flows = [r for r in figure.records() if not str(r["from"]).startswith("total ")]
    sums = {side: _totals(figure, first=side == "from") for side in ("from", "to")}
    labels = {
        side: list(dict.fromkeys([*(str(r[side]) for r in flows), *known]))
        for side, known in sums.items()
    }
    if not any(labels.values()):
        return FlowLayout(
            width=width, height=height, blocks=(), ribbons=(), left=room, right=width - room
        )
    # Where ribbons are withheld, the sums of a side say more than what is left of it.
    shown = [sum(_number(r["women"]) or 0 for r in flows)]
    shown += [sum(_number(women) or 0 for women in known.values()) for known in sums.values()]
    total = max(shown) or 1
    order = list(dict.fromkeys([*labels["from"], *labels["to"]]))
    rows = max(len(one) for one in labels.values())
    hidden = max(
        sum(_number(r["women"]) is None and r[side] == label for r in flows)
        for side in ("from", "to")
        for label in labels[side]
    )
    scale = (height - GAP * (rows - 1) - WITHHELD_HEIGHT * hidden * rows - 2) / total
    edges = {"from": room, "to": width - room}
    blocks = [
        block
        for side in ("from", "to")
        for block in _column(flows, sums[side], side, order, scale=scale, x=edges[side])
    ]
    return FlowLayout(
        width=width,
        height=height,
        blocks=tuple(blocks),
        left=room,
        right=width - room,
        ribbons=tuple(
            sorted(_ribbons(flows, order, blocks, scale), key=lambda ribbon: ribbon.is_change)
        ),
    )


def _column(
    flows: list[dict[str, Any]],
    sums: dict[str, Any],
    side: str,
    order: list[str],
    *,
    scale: float,
    x: float,
) -> list[Block]:
    """Blocks of one side from top to bottom."""
    y, blocks = 1.0, []
    for label in order:
        own = [r for r in flows if r[side] == label]
        if not own and label not in sums:
            continue
        women = _number(sums.get(label))
        high = max(LEAST, sum(_height(r, scale) for r in own), (women or 0) * scale)
        left = x - BLOCK_WIDTH if side == "from" else x
        blocks.append(Block(side=side, label=label, women=women, x=left, y=y, height=high))
        y += high + GAP
    return blocks


def _totals(figure: Figure, *, first: bool) -> dict[str, Any]:
    """Sums of one side: the lines 'total' of the first or the second profile."""
    lines = [r for r in figure.records() if str(r["from"]).startswith("total ")]
    names = list(dict.fromkeys(str(r["from"]) for r in lines))
    wanted = names[0 if first else -1] if names else ""
    return {str(r["to"]): r["women"] for r in lines if r["from"] == wanted}


def _ribbons(
    flows: list[dict[str, Any]], order: list[str], blocks: list[Block], scale: float
) -> list[Ribbon]:
    """Ribbons, stacked inside their blocks in the order of the other side."""
    tops = {(block.side, block.label): block.y for block in blocks}
    edges = {block.side: block.x for block in blocks}
    place = {label: n for n, label in enumerate(order)}
    found = []
    for r in sorted(flows, key=lambda r: (place[str(r["from"])], place[str(r["to"])])):
        before, after, high = str(r["from"]), str(r["to"]), _height(r, scale)
        start, end = tops["from", before], tops["to", after]
        tops["from", before], tops["to", after] = start + high, end + high
        found.append(
            Ribbon(
                before=before,
                after=after,
                women=_number(r["women"]),
                start=(start, start + high),
                end=(end, end + high),
                x=(edges["from"] + BLOCK_WIDTH, edges["to"]),
            )
        )
    return found


def _height(row: dict[str, Any], scale: float) -> float:
    women = _number(row["women"])
    return WITHHELD_HEIGHT if women is None else women * scale


def _number(value: Any) -> int | None:
    """A count; None where it is withheld."""
    return value if isinstance(value, int) else None
