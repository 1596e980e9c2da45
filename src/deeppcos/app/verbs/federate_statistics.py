"""``deeppcos federate statistics``: counts and histograms over sites; no row leaves one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra

if TYPE_CHECKING:
    from deeppcos.learning.federated.question import Question
    from deeppcos.learning.federated.site import SiteOptions

statistics = typer.Typer(
    name="statistics",
    help="Count patients over hospitals; no row leaves one, and no count of a few.",
    no_args_is_help=True,
)

Address = Annotated[str, typer.Option(help="HOST:PORT of the coordinator.")]
Authority = Annotated[Path, typer.Option(help="Certificate of the authority (PEM).")]
KeyFile = Annotated[Path, typer.Option("--key", help="Private key of this site.")]
Name = Annotated[str, typer.Option(help="Name of this site, as in its .pub file.")]
Pictures = Annotated[Path, typer.Option("--data", help="Folder with a folder a class.")]
SplitFile = Annotated[Path, typer.Option("--split", help="Grouped split of deeppcos audit.")]
Table = Annotated[
    Path | None, typer.Option(help="CSV with a column file or group, and others such as scanner.")
]
QuestionFile = Annotated[
    Path | None, typer.Option("--question", help="JSON of what is asked; classes when left out.")
]
Side = Annotated[int, typer.Option("--side-px", help="Side of the pictures, pixels.", min=16)]


@statistics.command()
def check(
    address: Address,
    authority: Authority,
    key_file: KeyFile,
    name: Name,
    data: Pictures,
    split: SplitFile,
    table: Table = None,
    question: QuestionFile = None,
    side_px: Side = 96,
) -> None:
    """Print everything that would leave this site, and try key and connection; nothing leaves."""
    with told_plainly(), with_extra("train"), with_extra("federated"):
        from deeppcos.learning.federated.dry_run import coordinator_answers, key_signs

        asked = _question(question)
        options = _options(address, authority, key_file, asked)
        answer = _answer(data, split, table, asked, side_px)
        checks = [key_signs(options), coordinator_answers(options)]
    typer.echo(json.dumps(answer, indent=1))
    for one in checks:
        typer.echo(f"{'NO ' if one.problem else 'yes'} {one.what}: {one.problem or one.said}")
    if any(one.problem for one in checks):
        raise typer.Exit(SOME_REFUSED)


@statistics.command()
def join(
    address: Address,
    authority: Authority,
    key_file: KeyFile,
    name: Name,
    data: Pictures,
    split: SplitFile,
    table: Table = None,
    question: QuestionFile = None,
    side_px: Side = 96,
) -> None:
    """Answer the question of a coordinator, and print what left."""
    with told_plainly(), with_extra("train"), with_extra("federated"):
        from deeppcos.learning.federated.asking import tell

        asked = _question(question)
        answer = _answer(data, split, table, asked, side_px)
        tell(_options(address, authority, key_file, asked), name, answer)
    typer.echo(json.dumps(answer, indent=1))
    typer.echo(f"{name}: the above left this site, and nothing else", err=True)


@statistics.command()
def coordinate(
    address: Annotated[str, typer.Option(help="HOST:PORT to listen on.")],
    authority: Authority,
    certificate: Annotated[Path, typer.Option(help="Certificate of this coordinator (PEM).")],
    private_key: Annotated[Path, typer.Option(help="Its key (PEM).")],
    keys: Annotated[Path, typer.Option(help="Folder with SITE.pub of every site.")],
    out: Annotated[Path, typer.Option(help="Folder for statistics.json and rounds.jsonl.")],
    sites: Annotated[int, typer.Option(help="Sites to wait for.", min=1)] = 2,
    question: QuestionFile = None,
    wait_seconds: Annotated[float, typer.Option(help="Wait so long for them.")] = 3600.0,
    answer_seconds: Annotated[float, typer.Option(help="A later answer is left out.")] = 600.0,
) -> None:
    """Ask every site once and join what they tell."""
    with told_plainly(), with_extra("train"), with_extra("federated"):
        from deeppcos.learning.federated.admission import Place
        from deeppcos.learning.federated.asking import AskingOptions, ask_sites

        place = Place(
            address=address,
            authority=authority,
            certificate=certificate,
            private_key=private_key,
            keys=keys,
        )
        file = ask_sites(
            AskingOptions(
                place=place,
                question=_question(question),
                fewest=sites,
                wait_seconds=wait_seconds,
                answer_seconds=answer_seconds,
                out=out,
            )
        )
    typer.echo(f"wrote {file}")


def _question(file: Path | None) -> "Question":
    from deeppcos.learning.federated.question import Question, question_from

    return Question() if file is None else question_from(file)


def _options(
    address: str, authority: Path, key_file: Path, question: "Question"
) -> "SiteOptions[Question]":
    from deeppcos.learning.federated.site import SiteOptions

    return SiteOptions(address=address, authority=authority, key=key_file, agreement=question)


def _answer(
    data: Path, split: Path, table: Path | None, question: "Question", side_px: int
) -> dict[str, Any]:
    """What may leave, of everything the split names."""
    from deeppcos.app.disclosed import withheld_cells
    from deeppcos.learning.classify.examples import examples_from_folders
    from deeppcos.learning.federated.statistics import answer_of, as_text, rows_of

    rows = rows_of(examples_from_folders(data, split, side_px=side_px), table)
    return as_text(answer_of(rows, question, withheld_cells))
