"""How a verb is told which installation it works on.

Owns the one option. Finding the folder is the business of ``connections.working_folder``; the web
application finds its own in ``web.preparing``.
"""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; DEEPPCOS_HOME or ./deeppcos-data when not given."),
]
