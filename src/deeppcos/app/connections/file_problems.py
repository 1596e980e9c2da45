"""A problem of ``connections.toml`` as its author reads it: table, key, value, accepted, remedy.

Owns the words. Finding problems is the business of ``settings``; nothing that may be a secret is
repeated.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from deeppcos.app.connections.tables import PEER_KINDS, FileTable, Table
from deeppcos.errors import InvalidInput

LONGEST_SHOWN = 80
_SECRETS = ("token", "password", "secret", "key", "api_key", "client_secret")


def in_words(problem: Any, content: Mapping[str, Any], path: Path) -> InvalidInput:
    """One problem that pydantic found, in four parts.

    Args:
        problem: One of ``ValidationError.errors()``.
        content: The file's content.
        path: The file.
    """
    location = _without_pydantics_own(problem["loc"])
    table, key = _place(location)
    kind, where = problem["type"], f"{path.name} {table}"
    model = _model(location, content)
    if kind == "extra_forbidden":
        is_secret = key in _SECRETS
        remedy = f"name the environment variable that holds it: {key}_variable"
        return InvalidInput(
            f"{where}: unknown key {key}",
            value="" if is_secret else _shown(problem["input"]),
            accepted=", ".join(model.model_fields),
            remedy=remedy if is_secret else "correct or remove the key",
        )
    if kind == "missing":
        return InvalidInput(
            f"{where}: {key} is missing", accepted=_accepted(model, key), remedy="add the key"
        )
    if kind.startswith("union_tag"):
        stated = problem["input"].get("kind") if isinstance(problem["input"], dict) else None
        return InvalidInput(
            f"{where}: kind cannot be meant" if stated else f"{where}: kind is missing",
            value=_shown(stated) if stated else "",
            accepted=", ".join(PEER_KINDS),
            remedy="say what kind of peer it is",
        )
    # What stands where the name of a variable should may be the secret itself.
    return InvalidInput(
        f"{where}: {key} cannot be meant",
        value="" if key.endswith("_variable") else _shown(problem["input"]),
        accepted=_accepted(model, key) or str(problem["msg"]).lower(),
        remedy="correct the value",
    )


def _without_pydantics_own(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The place without what pydantic adds: the kind of a peer."""
    is_peer = location[0] == "peers" and len(location) > 2 and location[2] in PEER_KINDS
    return location[:2] + location[3:] if is_peer else location


def _place(location: tuple[int | str, ...]) -> tuple[str, str]:
    """Table and key of a problem, as the file writes them."""
    first, *rest = location
    if first in ("rules", "incoming", "probes") and rest:
        return f"[[{first}]] number {int(rest[0]) + 1}", _dotted(rest[1:2]) or "the table"
    depth = 2 if first in ("peers", "listeners") else 1
    if rest[-1:] == ["[key]"]:
        return f"[{first}]", "name"
    if first == "peers" and len(location) == depth:
        return f"[{_dotted(location)}]", "kind"
    if len(location) <= depth:
        return "file" if len(location) == 1 else f"[{first}]", str(location[-1])
    return f"[{_dotted(location[:depth])}]", _dotted(location[depth:])


def _dotted(words: Sequence[int | str]) -> str:
    return ".".join(map(str, words))


def _model(location: tuple[int | str, ...], content: Mapping[str, Any]) -> type[Table]:
    """The table a problem is in."""
    first, second = location[0], location[1] if len(location) > 1 else ""
    if first == "peers" and location[-1] != "[key]":
        stated = content["peers"].get(second)
        kind = stated.get("kind") if isinstance(stated, dict) else None
        outer: type[Table] = PEER_KINDS.get(str(kind), FileTable)
    else:
        outer = FileTable
    inner = location[2:-1] if first == "peers" else location[:-1]
    for word in inner:
        found = (
            _table_in(outer.model_fields[word].annotation) if word in outer.model_fields else None
        )
        outer = found or outer
    return outer


def _table_in(annotation: Any) -> type[Table] | None:
    """The table inside an annotation such as ``Tls | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next((one for arg in get_args(annotation) if (one := _table_in(arg))), None)


def _accepted(model: type[Table], key: str) -> str:
    """What a key accepts: its description, wherever in its type it stands."""
    words = key.split(".")
    if words == ["name"] and model is FileTable:
        return "small letters, digits, - and _; up to 40"
    field = next((model.model_fields[one] for one in words if one in model.model_fields), None)
    if field is None:
        return ""
    return field.description or _described(field.annotation)


def _described(annotation: Any) -> str:
    """The description inside an annotation such as ``Annotated[str, Field(...)] | None``."""
    for one in getattr(annotation, "__metadata__", ()):
        if getattr(one, "description", None):
            return str(one.description)
    return next((words for arg in get_args(annotation) if (words := _described(arg))), "")


def _shown(value: object) -> str:
    return "" if isinstance(value, dict | list) else repr(value)[:LONGEST_SHOWN]
