"""Which release reads the studies of this installation.

Owns where the shelf is. What may stand on it is the business of ``deeppcos.app.releases``.
"""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from deeppcos.app.releases.shelf import SHELF_FOLDER, Shelf
from deeppcos.vision.release import Release, load_release


def shelf() -> Shelf:
    """The releases of this installation."""
    return Shelf(folder=Path(settings.DEEPPCOS_HOME) / SHELF_FOLDER)


def served_folder() -> Path:
    """Folder of the release that reads new studies.

    Raises:
        ContractBroken: If it is missing or changed; nothing is read with another one instead.
    """
    return shelf().current_place()


def shadow_folder() -> Path | None:
    """Folder of the release that reads beside it unseen, or None."""
    pointer = shelf().shadow()
    return None if pointer is None else shelf().place_of(pointer)


def served_release() -> Release:
    """The release that reads new studies, loaded once."""
    return _loaded(served_folder())


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> Release:
    return load_release(folder)
