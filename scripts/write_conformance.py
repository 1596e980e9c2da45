"""Write docs/dicom-conformance.md from the code's own tables."""

from pathlib import Path

from deeppcos.records.dicom_network.conformance import conformance_statement

PAGE = Path(__file__).parents[1] / "docs" / "dicom-conformance.md"


def main() -> None:
    """Write the page."""
    PAGE.write_text(conformance_statement(), encoding="utf-8")


if __name__ == "__main__":
    main()
