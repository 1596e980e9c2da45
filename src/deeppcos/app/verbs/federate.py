"""``deeppcos federate``: the same training at many sites; pictures stay where they are."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.federate_statistics import statistics
from deeppcos.errors import InvalidInput

if TYPE_CHECKING:
    from deeppcos.learning.federated.agreement import Agreement
    from deeppcos.learning.federated.local import SiteData
    from deeppcos.learning.federated.seeing import SeeingData
    from deeppcos.learning.federated.site import SiteOptions

federate = typer.Typer(
    name="federate",
    help="Train and count with other hospitals; pictures stay at home.",
    no_args_is_help=True,
)

federate.add_typer(statistics)

Address = Annotated[str, typer.Option(help="HOST:PORT of the coordinator.")]
Authority = Annotated[Path, typer.Option(help="Certificate of the authority (PEM).")]
KeyFile = Annotated[Path, typer.Option("--key", help="Private key of this site.")]
Name = Annotated[str, typer.Option(help="Name of this site, as in its .pub file.")]
Pictures = Annotated[
    Path, typer.Option("--data", help="Folder with a folder a class; for seeing, a data set.")
]
SplitFile = Annotated[
    Path | None, typer.Option("--split", help="Grouped split of deeppcos audit (not for seeing).")
]
Network = Annotated[str, typer.Option(help="plain_cnn, resnet50, efficientnet or seeing.")]
Side = Annotated[int, typer.Option("--side-px", help="Side of the pictures, pixels.", min=16)]
Steps = Annotated[int, typer.Option(help="Optimiser steps a round.", min=2)]
Positive = Annotated[str, typer.Option(help="The positive class.")]

Secure = Annotated[
    bool, typer.Option("--secure", help="The coordinator sees sums only (3 sites or more, mean).")
]

Batch = Annotated[int, typer.Option(help="Views a step, of seeing.", min=1)]
StartFrom = Annotated[str, typer.Option(help="Release seeing starts from: its folder, or shipped.")]
Noise = Annotated[
    float, typer.Option(help="Noise multiplier of private training; 0 trains without.", min=0.0)
]
MostEpsilon = Annotated[
    float | None, typer.Option(help="Leave before a patient's privacy loss is larger.")
]


@federate.command()
def key(file: Annotated[Path, typer.Argument(help="File of the private key to make.")]) -> None:
    """Make the key of a site; send its .pub file to the coordinator."""
    with told_plainly(), with_extra("federated"):
        from deeppcos.learning.federated.keys import make_key

        public = make_key(file)
    typer.echo(f"{file}: keep it; send {public} to the coordinator")


@federate.command()
def check(
    address: Address,
    authority: Authority,
    key_file: KeyFile,
    name: Name,
    data: Pictures,
    split: SplitFile = None,
    network: Network = "plain_cnn",
    side_px: Side = 96,
    steps: Steps = 20,
    positive: Positive = "lesion",
    batch: Batch = 12,
    secure: Secure = False,
    noise: Noise = 0.0,
) -> None:
    """Try a site before its first round: pictures, key, two steps, connection."""
    with told_plainly(), with_extra("train"), with_extra("federated"):
        from deeppcos.learning.federated.dry_run import dry_run

        agreement = _agreement(network, side_px, steps, positive, batch, secure, noise)
        options = _options(address, authority, key_file, agreement)
        checks = list(dry_run(options, _site_data(name, data, split, agreement)))
    for one in checks:
        typer.echo(f"{'NO ' if one.problem else 'yes'} {one.what}: {one.problem or one.said}")
    if any(one.problem for one in checks):
        raise typer.Exit(SOME_REFUSED)


@federate.command()
def join(
    address: Address,
    authority: Authority,
    key_file: KeyFile,
    name: Name,
    data: Pictures,
    split: SplitFile = None,
    network: Network = "plain_cnn",
    side_px: Side = 96,
    steps: Steps = 20,
    positive: Positive = "lesion",
    batch: Batch = 12,
    secure: Secure = False,
    noise: Noise = 0.0,
    most_epsilon: MostEpsilon = None,
) -> None:
    """Take part as a site until the coordinator ends."""
    with told_plainly(), with_extra("train"), with_extra("federated"):
        from deeppcos.learning.federated.taking_part import take_part

        agreement = _agreement(network, side_px, steps, positive, batch, secure, noise)
        options = _options(address, authority, key_file, agreement)
        found = take_part(
            options, _site_data(name, data, split, agreement), most_epsilon=most_epsilon
        )
        budget = f"; {found.budget(found.rounds)}" if noise else ""
    typer.echo(f"{name}: took part in {found.rounds} rounds{budget}")


@federate.command()
def coordinate(
    address: Annotated[str, typer.Option(help="HOST:PORT to listen on.")],
    authority: Authority,
    certificate: Annotated[Path, typer.Option(help="Certificate of this coordinator (PEM).")],
    private_key: Annotated[Path, typer.Option(help="Its key (PEM).")],
    keys: Annotated[Path, typer.Option(help="Folder with SITE.pub of every site.")],
    out: Annotated[Path, typer.Option(help="Folder for rounds.jsonl and weights.npz.")],
    rounds: Annotated[int, typer.Option(help="Rounds.", min=1)] = 10,
    fewest: Annotated[int, typer.Option(help="Fewest sites a round counts with.", min=2)] = 2,
    joining: Annotated[str, typer.Option("--join", help="mean, median or trimmed.")] = "mean",
    round_seconds: Annotated[float, typer.Option(help="A later site is left out.")] = 3600.0,
    wait_seconds: Annotated[float, typer.Option(help="Wait so long for the first round.")] = 3600.0,
    network: Network = "plain_cnn",
    side_px: Side = 96,
    steps: Steps = 20,
    positive: Positive = "lesion",
    batch: Batch = 12,
    secure: Secure = False,
    noise: Noise = 0.0,
    start_from: StartFrom = "",
) -> None:
    """Join the weights of sites, round by round."""
    with told_plainly(), with_extra("train"), with_extra("federated"):
        from deeppcos.learning.federated.admission import Place
        from deeppcos.learning.federated.coordinator import CoordinatorOptions
        from deeppcos.learning.federated.coordinator import coordinate as run

        file = run(
            CoordinatorOptions(
                place=Place(
                    address=address,
                    authority=authority,
                    certificate=certificate,
                    private_key=private_key,
                    keys=keys,
                ),
                agreement=_agreement(network, side_px, steps, positive, batch, secure, noise),
                rounds=rounds,
                fewest=fewest,
                round_seconds=round_seconds,
                wait_seconds=wait_seconds,
                join=joining,
                out=out,
                start_from=start_from,
            )
        )
    typer.echo(f"wrote {file}; every round stands in {out / 'rounds.jsonl'}")


def _agreement(
    network: str,
    side_px: int,
    steps: int,
    positive: str,
    batch: int,
    secure: bool,
    noise: float,
) -> "Agreement":
    from deeppcos.learning.federated.agreement import Agreement

    return Agreement(
        network=network,
        side_px=side_px,
        steps=steps,
        positive=positive,
        batch=batch,
        secure=secure,
        noise=noise,
    )


def _options(
    address: str, authority: Path, key_file: Path, agreement: "Agreement"
) -> "SiteOptions[Agreement]":
    from deeppcos.learning.federated.site import SiteOptions

    return SiteOptions(address=address, authority=authority, key=key_file, agreement=agreement)


def _site_data(
    name: str, folder: Path, split: Path | None, agreement: "Agreement"
) -> "SiteData | SeeingData":
    """Pictures of a folder, and those of other patients to measure on."""
    from deeppcos.learning.federated.seeing import SeeingData, is_seeing

    if not is_seeing(agreement):
        return _class_data(name, folder, split, agreement)
    from deeppcos.learning.pool import read_sets
    from deeppcos.learning.train import split_samples

    sides = split_samples(read_sets(folder)[0])
    return SeeingData(name=name, learning=sides.training, measured=sides.held_out)


def _class_data(name: str, folder: Path, split: Path | None, agreement: "Agreement") -> "SiteData":
    """Pictures of classes; those of fold 0 of the audit's split are measured on."""
    from deeppcos.learning.classify.examples import examples_from_folders
    from deeppcos.learning.federated.local import SiteData

    if split is None:
        raise InvalidInput(
            f"{folder}: no grouped split",
            accepted="--split with the CSV that an audit of the set wrote",
            remedy=f"run deeppcos audit {folder} first",
        )
    examples = examples_from_folders(folder, split, side_px=agreement.side_px)
    with split.open(newline="", encoding="utf-8") as lines:
        held = {row["file"] for row in csv.DictReader(lines) if row.get("fold") == "0"}
    return SiteData(
        name=name,
        learning=tuple(e for e in examples if e.name not in held),
        measured=tuple(e for e in examples if e.name in held),
    )
