"""Long lists in pages, each naming where the next begins.

Owns cursors: the place of the last row in its order, so that rows that arrive meanwhile neither
hide others nor show them twice, and the thousandth page is as quick as the first.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Model, Q, QuerySet
from ninja import Schema
from pydantic import Field

from deeppcos.errors import InvalidInput

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown")

USUAL_LIMIT = 50
LARGEST_LIMIT = 200


class PageAsked(Schema):
    """Which page of a list."""

    cursor: Annotated[str, Field(max_length=600, description="`next` of the page before.")] = ""
    limit: Annotated[int, Field(ge=1, le=LARGEST_LIMIT)] = USUAL_LIMIT


def page_of(
    rows: QuerySet[Row], asked: PageAsked, *, order: Sequence[str], show: Callable[[Row], Shown]
) -> dict[str, Any]:
    """One page of a list.

    Args:
        rows: The whole list.
        asked: Which page.
        order: Columns without unknowns, ``-`` before a falling one; the last is unique.
        show: Makes what is sent of a row.

    Returns:
        ``items``, and ``next``: the cursor of the next page, or None at the end.

    Raises:
        InvalidInput: If the cursor was not one of ours, or of another order.
    """
    ordered = rows.order_by(*order)
    if asked.cursor:
        ordered = ordered.filter(_after(rows.model, order, asked.cursor))
    found = list(ordered[: asked.limit + 1])
    shown = found[: asked.limit]
    has_more = len(found) > asked.limit
    return {
        "items": [show(row) for row in shown],
        "next": _cursor(shown[-1], order) if has_more else None,
    }


def _cursor(row: Model, order: Sequence[str]) -> str:
    """The place of a row, as text that fits into an address."""
    place = [_field(row, name).value_to_string(row) for name in _names(row, order)]
    text = json.dumps([",".join(order), *place])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(model: type[Model], order: Sequence[str], cursor: str) -> Q:
    """What comes after a place: each column equal up to one that is further."""
    names = _names(model, order)
    values = _place(model, order, cursor)
    after, equal = Q(), Q()
    for column, name, value in zip(order, names, values, strict=True):
        comparison = "lt" if column.startswith("-") else "gt"
        after |= equal & Q(**{f"{name}__{comparison}": value})
        equal &= Q(**{name: value})
    return after


def _place(model: type[Model], order: Sequence[str], cursor: str) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        which, *texts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if which != ",".join(order):
            raise ValueError("a cursor of another order")
        names = _names(model, order)
        return [_value(model, name, text) for name, text in zip(names, texts, strict=True)]
    except (ValueError, TypeError, ValidationError, FieldDoesNotExist, binascii.Error) as problem:
        raise InvalidInput(
            "this cursor cannot be used",
            value=cursor[:40].encode(errors="replace").decode(),
            accepted="`next` of the page before, with the same order",
            remedy="begin with the first page",
        ) from problem


def _value(model: type[Model], name: str, text: str) -> Any:
    """One column's value, in the range its data base holds."""
    if "\x00" in text:
        raise ValueError("no data base holds this")
    field = _field(model, name)
    value = field.to_python(text)
    field.run_validators(value)
    return value


def _field(model: Model | type[Model], name: str) -> Any:
    return model._meta.get_field(name)


def _names(model: Model | type[Model], order: Sequence[str]) -> list[str]:
    """The columns' names without their direction."""
    key = model._meta.pk.name if model._meta.pk else "pk"
    return [key if name == "pk" else name for name in (column.lstrip("-") for column in order)]
