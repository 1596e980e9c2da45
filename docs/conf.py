"""How the documentation site is built: ``python -m sphinx -W -b html docs build/site``.

Owns the settings of Sphinx, nothing of the text. The site needs nothing from the network: no
fonts, scripts or styles from elsewhere. Notebooks are run while it is built, on data they make
themselves, so a page that is shown is a page that ran.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from deeppcos import __version__

DOCS = Path(__file__).parent
COMMANDS = DOCS / "reference" / "commands.md"
SIDE_LEVELS = 2

project = "DeepPCOS"
author = "The DeepPCOS authors"
copyright = "The DeepPCOS authors, Apache-2.0. Research use; not a medical device"  # noqa: A001
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates", "schemas", "examples", "notebooks/README.md"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_dmath_double_inline = False
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS.parent / "build" / "notebooks")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Source", "notes_style")]
python_use_unqualified_type_names = True
toc_object_entries = False

html_theme = "furo"
html_title = "DeepPCOS"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "announcement": "Research use. Not a medical device.",
    "light_css_variables": {
        "color-brand-primary": "#0f6b6b",
        "color-brand-content": "#0b5a66",
        "font-stack": "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
    },
    "dark_css_variables": {"color-brand-primary": "#63c9bd", "color-brand-content": "#7fd4ca"},
}


def write_commands(app: Sphinx) -> None:
    """Write the reference of the command line from the program itself."""
    written = subprocess.run(
        [sys.executable, "-m", "typer", "deeppcos.app.cli", "utils", "docs", "--name", "deeppcos"],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", "TERM": "dumb"},
    ).stdout
    COMMANDS.write_text(written.replace("# `deeppcos`", "# The command line", 1), encoding="utf-8")


def link_beside(app: Sphinx, name: str, source: list[str]) -> None:
    """Links to Markdown beside ``docs`` become downloads: the site has no page for them."""
    folder = (DOCS / name).parent

    def rewritten(found: re.Match[str]) -> str:
        inside = (folder / found[1]).resolve().is_relative_to(DOCS)
        return found[0] if inside else f"](path:{found[1]})"

    source[0] = re.sub(r"\]\((\.\./[^)#\s]+\.md)\)", rewritten, source[0])


def keep_the_side_short(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """List pages at the side, not every module: written on every page, they are most of a build.

    Must come before the theme draws its side (priority 500).
    """
    whole = context.get("toctree")
    if whole is not None:
        context["toctree"] = lambda **wanted: whole(**{**wanted, "maxdepth": SIDE_LEVELS})


def setup(app: Sphinx) -> None:
    """Hook the generated pages into the build."""
    app.connect("html-page-context", keep_the_side_short, priority=400)
    app.connect("builder-inited", write_commands)
    app.connect("source-read", link_beside)
