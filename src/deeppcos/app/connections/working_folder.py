"""Where the data folder is, without the web application.

Owns one rule, the same as the web application's: what is given, DEEPPCOS_HOME, ./deeppcos-data.
"""

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE, OTHERWISE = "DEEPPCOS_HOME", "deeppcos-data"


def data_folder(home: Path | None, given: Mapping[str, str] | None = None) -> Path:
    """The data folder.

    Args:
        home: What somebody gave, or None.
        given: The environment; that of the process when None.
    """
    named = (os.environ if given is None else given).get(VARIABLE, "").strip()
    return (home or Path(named or OTHERWISE)).expanduser().absolute()
