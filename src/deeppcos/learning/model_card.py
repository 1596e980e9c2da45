"""The model card, rendered from the manifest and from nothing else."""

from collections.abc import Mapping
from typing import Any

from deeppcos.vision.release import Manifest

ORDER = (
    "mmotu follicle F1 at IoU 0.3",
    "mmotu follicle F1 at IoU 0.3, maybe set aside",
    "mmotu follicle F1 at IoU 0.5",
    "mmotu count concordance",
    "mmotu count mean absolute error",
    "closeups follicle F1 at IoU 0.3",
    "closeups follicle F1 at IoU 0.3, maybe set aside",
    "closeups follicle F1 at IoU 0.5",
    "closeups count concordance",
    "closeups count mean absolute error",
    "mmotu ovary Dice mean",
    "mmotu ovary Dice median",
    "closeups ovary Dice mean",
    "lesion Dice mean",
    "lesion Dice median",
    "lesion against ovary AUROC",
)
READER_ROWS = {
    f"{source} {row}": row
    for source in ("mmotu",)
    for row in (
        "follicle F1 at IoU 0.3",
        "follicle F1 at IoU 0.3, maybe set aside",
        "follicle F1 at IoU 0.5",
        "count concordance",
        "count mean absolute error",
    )
}


def figure_text(figure: Mapping[str, Any] | None) -> str:
    """A figure with its interval and n.

    Examples:
        >>> figure_text({"value": 0.812, "low": 0.77, "high": 0.854, "n": 40, "groups": 9})
        '0.81 (0.77 to 0.85), n = 40 in 9 groups'
        >>> figure_text(None)
        'not measured'
    """
    if not figure or figure.get("value") is None:
        return "not measured"
    interval = ""
    if figure.get("low") is not None:
        interval = f" ({figure['low']:.2f} to {figure['high']:.2f})"
    return f"{figure['value']:.2f}{interval}, n = {figure['n']} in {figure['groups']} groups"


def figure_lines(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Figures as aligned text."""
    return [f"{name:52s} {figure_text(figure)}" for name, figure in figures.items()]


def model_card(manifest: Manifest) -> str:
    """Render the card.

    Args:
        manifest: The release's manifest.

    Returns:
        Markdown.
    """
    parts = [
        f"# Model card: {manifest.name}",
        "Written by `deeppcos evaluate --card` from the release's manifest. Do not edit.",
        f"**Intended use.** {manifest.intended_use}",
        "**Not for:** " + "; ".join(manifest.not_for) + ".",
        _training(manifest),
        _comparison(manifest),
        _graphics(manifest.metrics),
        _reliability(manifest.metrics),
        _gate(manifest.metrics),
        "## Licences\n\n" + "\n".join(f"- {note}" for note in manifest.licence_notes),
        _identity(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def _training(manifest: Manifest) -> str:
    """What it learned from."""
    record = manifest.training
    config = ", ".join(f"{k} {v}" for k, v in record["config"].items() if k != "baseline")
    rows = "\n".join(
        f"| {name} | {record['training'].get(name, 0)} | {record['held_out'].get(name, 0)} |"
        for name in sorted({*record["training"], *record["held_out"]})
    )
    return (
        "## Data and split\n\n"
        f"Held out: {record['split']}, {record['held_out_groups']} groups. The schedule was fixed "
        "beforehand. Three thresholds, the probability calibration and the count interval were set "
        "on held-out groups, and are reported cross-fitted: set on one half of them, measured "
        f"on the other, both ways.\n\nMarks: {record['marks']}.\n\n"
        f"| source: kind | training pictures | held-out pictures |\n|---|---|---|\n{rows}\n\n"
        f"Configuration: {config}."
    )


def _comparison(manifest: Manifest) -> str:
    """The release beside the baseline and the readers."""
    measured = manifest.metrics
    own = measured["release"]
    plain = measured["plain U-Net, same data, same views"]
    readers = measured["second reader against first, all pictures read twice"]
    rows = "\n".join(
        f"| {name} | {figure_text(own.get(name))} | {figure_text(plain.get(name))} | "
        f"{figure_text(readers.get(READER_ROWS.get(name, '')))} |"
        for name in ORDER
    )
    return (
        "## Measured on held-out patient groups\n\n"
        f'How: {measured["how"]}. Follicle marks include those the reader called "maybe" unless '
        "the row sets them aside.\n\n"
        "| measure | this release | plain U-Net, same data | second reader against first |\n"
        f"|---|---|---|---|\n{rows}\n\n"
        "The two readers started from shared machine proposals, which flatters the agreement of "
        f"their outlines; neither is a clinician.{_effort(manifest.training['config'])}"
    )


def _effort(config: Mapping[str, Any]) -> str:
    """How long each network was trained, which the comparison must not hide."""
    views = config["batch"] * config["steps"]
    own = f"{views:,} views"
    if config.get("start_from"):
        own += " after those of the run it started from"
    plain = config.get("baseline")
    if plain is None:
        return f" The release saw {own}."
    return (
        f" The release saw {own}, the plain U-Net {plain['batch'] * plain['steps']:,} views "
        "without pretraining: a comparison at a small budget, not at the plain network's best."
    )


def _graphics(measured: Mapping[str, Any]) -> str:
    """With and without burned-in graphics."""
    own = measured["release at the shipped operating point"]
    other = measured["release with burned-in graphics left in"]
    names = (
        "mmotu ovary Dice mean",
        "mmotu follicle F1 at IoU 0.3",
        "lesion Dice mean",
        "lesion against ovary AUROC",
    )
    rows = "\n".join(
        f"| {name} | {figure_text(own.get(name))} | {figure_text(other.get(name))} |"
        for name in names
    )
    return (
        "## Calipers and text\n\nCalipers mark the ovary in most public pictures. The same "
        "weights, shown the pictures with graphics filled in (as in use) and left in:\n\n"
        f"| measure | filled in | left in |\n|---|---|---|\n{rows}"
    )


def _reliability(measured: Mapping[str, Any]) -> str:
    """Calibration and coverage."""
    errors = measured["calibration error, cross-fitted"]
    coverage = measured["count interval coverage, cross-fitted"]
    rows = "\n".join(f"| {k} | {_error_text(v['value'])} | {v['n']} |" for k, v in errors.items())
    return (
        "## Probabilities and intervals\n\n"
        "| probability of | expected calibration error, cross-fitted | n |\n|---|---|---|\n"
        f"{rows}\n\nThe section count's interval held the reader's count in "
        f"{coverage['value']:.0%} of {coverage['n']} held-out ovaries, asked "
        f"{coverage['asked']:.0%} (cross-fitted)."
    )


def _error_text(error: float | None) -> str:
    """A calibration error, or that none could be measured."""
    return "not measured" if error is None else f"{error:.3f}"


def _gate(measured: Mapping[str, Any]) -> str:
    """What passes as an ovary."""
    rows = "\n".join(
        f"| {kind} | {row['accepted']} of {row['n']} |"
        for kind, row in measured["accepted as an ovary"].items()
    )
    return (
        "## What passes as an ovary\n\nHeld-out pictures of each kind whose best outline passes "
        "the gate. `neither` is a real uterus, `foreign` photographs, pages and micrographs, "
        "`lesion` pictures of masses in which a healthy ovary may be visible too. Colour and size "
        "checks, which refuse more, are not counted here.\n\n"
        f"| kind | accepted |\n|---|---|\n{rows}"
    )


def _identity(manifest: Manifest) -> str:
    """Hashes."""
    return (
        "## Identity\n\n"
        f"- created {manifest.created}\n- weights `{manifest.weights_sha256}`\n"
        f"- preprocessing `{manifest.preprocessing_sha256}`"
    )
