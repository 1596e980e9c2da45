"""The model card, rendered from the manifest and from nothing else."""

from collections.abc import Mapping
from typing import Any

from deeppcos.learning.aims import AIMS, aimed_figures, verdict
from deeppcos.learning.charts import drawable
from deeppcos.learning.gaps import open_gaps
from deeppcos.vision.release import Manifest

LEAST_OF_A_GROUP = 5

READ_TWICE = (
    "follicle F1 at IoU 0.3",
    "follicle F1 at IoU 0.3, maybe set aside",
    "follicle F1 at IoU 0.5",
    "follicle F1 at IoU 0.5, maybe set aside",
    "count concordance",
    "count concordance, maybe set aside",
    "count mean absolute error",
    "count mean absolute error, maybe set aside",
    "count bias",
)
OUTLINED = ("Dice mean", "Dice median", "missed")
ORDER = (
    *(f"{source} {name}" for source in ("mmotu", "closeups") for name in READ_TWICE),
    *(f"{source} ovary {name}" for source in ("mmotu", "closeups") for name in OUTLINED),
    *(f"lesion {name}" for name in OUTLINED),
    "lesion against ovary AUROC",
)
READER_ROWS = {f"mmotu {row}": row for row in READ_TWICE}


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
    groups = f" in {figure['groups']} groups" if "groups" in figure else ""
    return f"{figure['value']:.2f}{interval}, n = {figure['n']}{groups}"


def figure_lines(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Figures as aligned text."""
    return [f"{name:52s} {figure_text(figure)}" for name, figure in figures.items()]


def model_card(manifest: Manifest, *, pictures: str = "") -> str:
    """Render the card.

    Args:
        manifest: The release's manifest.
        pictures: Folder of the pictures that ``draw_all`` drew of the manifest's numbers, as the
            card will link to it; empty for a card without pictures.

    Returns:
        Markdown.
    """
    shown = drawable(manifest.metrics) if pictures else []
    figures = {chart.name: f"![{chart.words}.]({pictures}/{chart.name}.svg)" for chart in shown}
    parts = [
        f"# Model card: {manifest.name}",
        "Written by `deeppcos evaluate --card` from the release's manifest. Do not edit.",
        f"**Intended use.** {manifest.intended_use}",
        "**Not for:** " + "; ".join(manifest.not_for) + ".",
        _training(manifest),
        _comparison(manifest),
        figures.get("counts", ""),
        _aims(manifest.metrics),
        _graphics(manifest.metrics),
        _subgroups(figures),
        _reliability(manifest.metrics),
        figures.get("reliability", ""),
        figures.get("coverage", ""),
        _gate(manifest.metrics),
        figures.get("risk", ""),
        figures.get("answers", ""),
        "## Licences\n\n" + "\n".join(f"- {note}" for note in manifest.licence_notes),
        _identity(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
        if any(name in figures for figures in (own, plain))
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


def _aims(measured: Mapping[str, Any]) -> str:
    """Every aim with what was reached, and what stands between."""
    return (
        "## Aims\n\nSet before training: what two readers reach, or what use would need. A figure "
        "short of its aim stays short, also where its interval reaches it. Every row is measured "
        f"again by `deeppcos evaluate --data FOLDER --out FOLDER`.\n\n{aims_table(measured)}"
        f"\n\n{gaps_table(measured)}"
    ).rstrip()


def aims_table(measured: Mapping[str, Any]) -> str:
    """Every aim beside what was reached, as Markdown.

    Args:
        measured: The metrics of a manifest.

    Returns:
        The table.
    """
    own = aimed_figures(measured)
    rows = "\n".join(
        f"| {aim.figure} | {aim.words} | {figure_text(own.get(aim.figure))} | "
        f"{verdict(aim, own.get(aim.figure))} |"
        for aim in AIMS
    )
    return f"| measure | aim | this release | |\n|---|---|---|---|\n{rows}"


def gaps_table(measured: Mapping[str, Any]) -> str:
    """What was tried where an aim is not met, and which data would close it, as Markdown.

    Args:
        measured: The metrics of a manifest.

    Returns:
        The table; empty where every aim is met.
    """
    rows = "\n".join(
        f"| {gap.name} | {gap.tried} | {gap.closed_by} |" for gap in open_gaps(measured)
    )
    if not rows:
        return ""
    return f"| short of its aim | what was tried | what would close it |\n|---|---|---|\n{rows}"


def _subgroups(figures: Mapping[str, str]) -> str:
    """Where it does worse than its average."""
    if "subgroups" not in figures:
        return ""
    return (
        "## Subgroups\n\nThe same held-out pictures by trait; traits and bounds were set before "
        "any figure was looked at. Sizes are shares of the picture: most pictures have no scale."
        f"\n\n{figures['subgroups']}"
    )


def _reliability(measured: Mapping[str, Any]) -> str:
    """Calibration and coverage."""
    errors = measured["calibration error, cross-fitted"]
    coverage = measured["count interval coverage, cross-fitted"]
    rows = "\n".join(f"| {k} | {_error_text(v)} | {v['n']} |" for k, v in errors.items())
    return (
        "## Probabilities and intervals\n\n"
        "| probability of | expected calibration error, cross-fitted | n |\n|---|---|---|\n"
        f"{rows}\n\nThe section count's interval held the reader's count in "
        f"{coverage['value']:.0%} of {coverage['n']} held-out ovaries, asked "
        f"{coverage['asked']:.0%} (cross-fitted).{_by_group(coverage)}{_area(measured)}"
    )


def _error_text(figure: Mapping[str, Any]) -> str:
    """A calibration error, or that none could be measured."""
    if figure["value"] is None:
        return "not measured"
    if figure.get("low") is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _by_group(coverage: Mapping[str, Any]) -> str:
    """How the coverage spreads over patient groups, where the manifest says it."""
    table = coverage.get("by group")
    if not table:
        return ""
    several = [(held, n) for held, n in table.values() if n >= LEAST_OF_A_GROUP]
    if not several:
        return ""
    held, n = min(several, key=lambda row: (row[0] / row[1], -row[1]))
    return (
        f" Of the {len(several)} patient groups with {LEAST_OF_A_GROUP} or more such ovaries the "
        f"lowest had {held} of {n}."
    )


def _area(measured: Mapping[str, Any]) -> str:
    """Coverage of the area's interval, where the manifest says it."""
    figure = measured.get("area interval coverage, cross-fitted")
    if not figure or figure["value"] is None:
        return ""
    return (
        f" The section area's interval held the outlined area in {figure['value']:.0%} of "
        f"{figure['n']} ovaries that pass the gate, asked {figure['asked']:.0%} (cross-fitted)."
    )


def _gate(measured: Mapping[str, Any]) -> str:
    """What passes as an ovary."""
    rows = "\n".join(
        f"| {kind} | {row['accepted']} of {row['n']} |"
        for kind, row in measured["accepted as an ovary"].items()
    )
    return (
        "## What passes as an ovary\n\nHeld-out pictures of each kind whose best outline passes "
        "the gate, whose calibration was fitted on the other half of the groups. "
        "`neither` is a real uterus, `foreign` photographs, pages and micrographs, "
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
