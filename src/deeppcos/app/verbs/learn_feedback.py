"""``deeppcos learn export``, ``consensus``, ``agreement`` and ``reading-list``.

Owns options and words of what comes before training. The rest of ``deeppcos learn`` is the
business of ``learn``, which takes these in.
"""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption
from deeppcos.errors import InvalidInput

if TYPE_CHECKING:
    from deeppcos.learning.metrics import Measured

ExportArgument = Annotated[
    Path, typer.Argument(help="Folder that deeppcos learn export wrote.", show_default=False)
]


def export(
    out: Annotated[Path, typer.Option(help="Folder to write; must be new.")],
    pictures_are_clean: Annotated[
        bool,
        typer.Option(
            help="Somebody made sure that no picture has a name burned in: also export pictures "
            "whose ultrasound area is not known."
        ),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Write finished, consented, settled readings under pseudonyms (web extra)."""
    with told_plainly(), with_extra("web"):
        _set_up(home)
        from deeppcos.app.web.learning.exporting import export as export_readings

        done = export_readings(out, by=None, pictures_are_clean=pictures_are_clean)
    typer.echo(
        f"wrote {out}: {done.readings} readings of {done.pictures} pictures, {done.studies} "
        f"studies, {done.patients} patients"
    )
    for reason, count in sorted(done.left_out.items()):
        typer.echo(f"left out: {count} {reason}")


def consensus(
    source: ExportArgument,
    out: Annotated[Path, typer.Option(help="Folder to write; must be new.")],
) -> None:
    """Make one set of labels of several readers, with their disagreement as "maybe"."""
    with told_plainly(), with_extra("web"):
        from deeppcos.learning.feedback.labels import write_consensus

        before, after = write_consensus(source, out)
    typer.echo(f"wrote {out}: {after} of {before} pictures settled")


def agreement(source: ExportArgument) -> None:
    """Say how far readers agree, per pair and each with all others, and whether they drift."""
    with told_plainly(), with_extra("web"):
        from deeppcos.learning.feedback.agreement import (
            agreement_of_pairs,
            agreement_of_readers,
            pair_rows,
        )
        from deeppcos.learning.feedback.drift import drift_of_readers
        from deeppcos.learning.sources.reviewed_document import load_reviewed

        rows = pair_rows(load_reviewed(source))
        found = (*agreement_of_pairs(rows), *agreement_of_readers(rows))
        drift = drift_of_readers(rows)
    for one in found:
        typer.echo(
            f"{one.first} {one.second or 'with all others'}: F1 {_words(one.f1)}, counts "
            f"{_words(one.count_concordance)}, ovary Dice {_words(one.ovary_dice)}; "
            f"{one.f1.n} pictures, {one.f1.groups} patients"
        )
    for change in drift:
        verdict = {None: "too few pictures", True: "has changed", False: "no change seen"}
        typer.echo(
            f"{change.reader} later against earlier: F1 {_words(change.f1_change)}, own minus "
            f"others' count {_words(change.count_change)}; {verdict[change.has_changed]}"
        )


def reading_list(
    by: Annotated[str, typer.Option(help="lot, or gain for the order of expected gain.")] = "lot",
    random_share: Annotated[
        float, typer.Option(help="With --by gain: share of places drawn by lot.", min=0, max=1)
    ] = 0.2,
    most: Annotated[int, typer.Option(help="At most so many lines.", min=1)] = 40,
    home: HomeOption = None,
) -> None:
    """Say which studies to read next, and why (web extra)."""
    with told_plainly(), with_extra("web"):
        _set_up(home)
        from deeppcos.app.web.learning.listing import listed

        if by not in ("lot", "gain"):
            raise InvalidInput("the order of a reading list", value=by, accepted="lot or gain")
        today = datetime.datetime.now(datetime.UTC).date()
        places = listed(None, on=today, random_share=random_share if by == "gain" else 1.0)
    for number, one in enumerate(places[:most], start=1):
        best = sorted(one.place.reasons.items(), key=lambda kv: -kv[1])
        why = (
            "drawn by lot" + (": read it blind" if one.place.is_blind else "")
            if one.place.is_random
            else ", ".join(f"{name} {rank:.2f}" for name, rank in best[:3]) or "nothing is known"
        )
        typer.echo(f"{number:4} {one.study.site.slug} {one.study.accession}: {why}")
    typer.echo(f"{len(places)} studies are unread")


def take_in(learn: typer.Typer) -> None:
    """Add these commands to ``deeppcos learn``."""
    for command in (export, consensus, agreement):
        learn.command()(command)
    learn.command("reading-list")(reading_list)


def _set_up(home: Path | None) -> None:
    """Have Django read this data folder."""
    from deeppcos.app.web.preparing import set_up_django

    set_up_django(home)
    from deeppcos.app.web.learning.standing import refuse_without_desk

    refuse_without_desk()


def _words(one: "Measured") -> str:
    """A figure with its interval."""
    if one.value is None:
        return "unknown"
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
