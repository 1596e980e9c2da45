"""The shelf: complete, verified releases, and one pointer to the one that is served.

::

    releases/
      seeing-2.1/          manifest.json and weights, copied whole, never changed
      site-3/              ... and the gate report it came with
      current.json         name and hash of the served one; replaced in one step
      shadow.json          of the one that runs beside it unseen, if any
      history.jsonl        every move, hash-chained

Until a shelf has a pointer, the release that ships with the program is served. Owns the folder and
what may stand in it; whether the pointer may move is the business of ``promotion``.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from deeppcos.app.releases.files import copy_folder_at_once, write_at_once
from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.vision.release import MANIFEST_FILE, SHIPPED, Manifest, load_release, read_manifest

CURRENT_FILE = "current.json"
SHADOW_FILE = "shadow.json"
SHELF_FOLDER = "releases"
"""Of an installation's data folder."""

REPORT_FILE = "gate.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which release is meant.

    Attributes:
        name: Folder on the shelf; ``shipped`` for the one that comes with the program.
        weights_sha256: Of its weights: a pointer to a changed release points nowhere.
    """

    name: str
    weights_sha256: str


SHIPPED_NAME = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Releases of one installation.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    def add(self, source: Path) -> Pointer:
        """Verify a release and copy it onto the shelf; adding the same one again changes nothing.

        Args:
            source: Folder of the release; a gate report in it comes along.

        Returns:
            What points to it.

        Raises:
            ContractBroken: If it is not whole.
            InvalidInput: If its name cannot be a folder, or another release has that name.
            TemporaryFailure: If the disk refuses; the shelf is as it was.
        """
        manifest = load_release(source, threads=1).manifest
        name = manifest.name
        if not NAME.fullmatch(name) or name == SHIPPED_NAME:
            raise InvalidInput(
                "a release of this name cannot be kept",
                value=name,
                accepted="small letters, digits, dots, dashes and underscores; not 'shipped'",
                remedy="release it under another name",
            )
        pointer = Pointer(name=name, weights_sha256=manifest.weights_sha256)
        target = self.folder / name
        if target.exists():
            return self._same_or_refused(target, manifest)
        self.folder.mkdir(parents=True, exist_ok=True)
        files = [MANIFEST_FILE, manifest.weights_file]
        if (source / REPORT_FILE).is_file():
            files.append(REPORT_FILE)
        copy_folder_at_once(source, target, names=tuple(files))
        return pointer

    def _same_or_refused(self, target: Path, manifest: Manifest) -> Pointer:
        """The pointer, if what stands there is the very same release."""
        standing = read_manifest(target)
        if standing != manifest:
            raise InvalidInput(
                f"the shelf already holds another release {manifest.name}",
                value=standing.weights_sha256[:12],
                accepted="one release a name, for ever: results name the release that made them",
                remedy="release the candidate under another name",
            )
        return Pointer(name=manifest.name, weights_sha256=manifest.weights_sha256)

    def releases(self) -> tuple[Pointer, ...]:
        """Every release on the shelf, by name; what is not whole is left out.

        Returns:
            Pointers.
        """
        if not self.folder.is_dir():
            return ()
        found = []
        for place in sorted(self.folder.iterdir()):
            if place.is_dir() and (place / MANIFEST_FILE).is_file():
                manifest = read_manifest(place)
                found.append(Pointer(name=place.name, weights_sha256=manifest.weights_sha256))
        return tuple(found)

    def place_of(self, pointer: Pointer) -> Path:
        """Folder of a release, checked against its pointer.

        Args:
            pointer: Which one.

        Returns:
            The folder.

        Raises:
            ContractBroken: If the release there is missing, or is another one.
        """
        place = SHIPPED if pointer.name == SHIPPED_NAME else self.folder / pointer.name
        found = read_manifest(place).weights_sha256
        if found != pointer.weights_sha256:
            raise ContractBroken(
                f"the release {pointer.name} is not the one that was meant",
                value=found[:12],
                accepted=pointer.weights_sha256[:12],
                remedy="go back to an earlier release with `deeppcos learn rollback`",
            )
        return place

    def current(self) -> Pointer:
        """What is served: the pointer, or the shipped release where none was ever set.

        Returns:
            The pointer.

        Raises:
            ContractBroken: If the pointer cannot be read.
        """
        pointer = self._read(CURRENT_FILE)
        return pointer or shipped()

    def current_place(self) -> Path:
        """Folder of the release that is served.

        Returns:
            The folder, whose manifest has the hash the pointer names.

        Raises:
            ContractBroken: If it is missing or changed.
        """
        return self.place_of(self.current())

    def shadow(self) -> Pointer | None:
        """What runs beside the current release unseen, or None.

        Returns:
            The pointer.
        """
        return self._read(SHADOW_FILE)

    def point_to(self, pointer: Pointer) -> None:
        """Move the pointer in one step, after loading what it points to.

        Args:
            pointer: The release to serve from now on.

        Raises:
            ContractBroken: If that release is not whole.
            TemporaryFailure: If the disk refuses; the old release stays.
        """
        load_release(self.place_of(pointer), threads=1)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_at_once(self.folder / CURRENT_FILE, _as_json(pointer))

    def run_in_shadow(self, pointer: Pointer | None) -> None:
        """Let a release run beside the current one, or stop that.

        Args:
            pointer: The release, or None to stop.
        """
        if pointer is None:
            (self.folder / SHADOW_FILE).unlink(missing_ok=True)
            return
        load_release(self.place_of(pointer), threads=1)
        write_at_once(self.folder / SHADOW_FILE, _as_json(pointer))

    def _read(self, name: str) -> Pointer | None:
        file = self.folder / name
        if not file.is_file():
            return None
        try:
            return Pointer(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as problem:
            raise ContractBroken(
                f"{file}: not a pointer to a release",
                value=str(problem),
                remedy="go back to an earlier release with `deeppcos learn rollback`",
            ) from problem


def shipped() -> Pointer:
    """What points to the release that comes with the program.

    Returns:
        The pointer.
    """
    manifest = read_manifest(SHIPPED)
    return Pointer(name=SHIPPED_NAME, weights_sha256=manifest.weights_sha256)


def _as_json(pointer: Pointer) -> str:
    return json.dumps(asdict(pointer), indent=1) + "\n"
