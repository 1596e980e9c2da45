"""Many files: each de-identified or refused, none lost, none overwritten, any run resumed.

Owns the use case and its counts. Results lie under pseudonyms in one folder; the journal, which
names the originals, lies in another one, beside the key. Originals are never changed or moved:
what is refused stays where it is and is listed with its reason.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.deidentification.blanking import Mask
from deeppcos.records.deidentification.header import Disguise, disguise_of, patient_of
from deeppcos.records.deidentification.image import clean_image, flush, new_uids, scan_regions
from deeppcos.records.deidentification.journal import Entry, Journal
from deeppcos.records.deidentification.key import DeidentificationKey
from deeppcos.records.deidentification.picture import (
    clean_picture,
    read_picture,
    write_png,
)
from deeppcos.records.deidentification.structured import STRUCTURED_CLASSES, clean_structured
from deeppcos.records.deidentification.text_finding import (
    Picture,
    TextFinder,
    find_text,
    is_text_finding_installed,
)
from deeppcos.records.dicom_file import open_dicom
from deeppcos.records.dicom_header import text_of
from deeppcos.records.file_types import Reader, recognise
from deeppcos.records.identifiers import PatientIdentifier
from deeppcos.records.on_disk import force_folder_to_disk, sha256_of
from deeppcos.records.open_study import files_of
from deeppcos.records.study_file import RefusedFile
from deeppcos.vision.decoder_guard import guarded

JOURNAL = "journal.jsonl"
PICTURES = "pictures"
WRITTEN, DUPLICATE, REFUSED = "written", "duplicate", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationPolicy:
    """What a site decides.

    Attributes:
        default_issuer: Who gave a patient number where the image does not say.
        trust_regions: Do without the OCR engine where a file declares its scan regions. The
            result then says that burned-in text may remain.
        accept_unknown_layouts: Take images that declare no scan regions, and pictures without a
            header, too: then the engine alone finds where names stand, and it misses some.
    """

    default_issuer: str = ""
    trust_regions: bool = False
    accept_unknown_layouts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneFile:
    """One file as it was done, for whoever shows or counts it.

    Attributes:
        entry: What the journal keeps.
        before: The first frame with the patient's name in it, or None when refused.
        mask: What was blanked, or None when refused.
        texts: Of a report, what each removed text was and said.
    """

    entry: Entry
    before: Picture | None = None
    mask: Mask | None = None
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationReport:
    """The counts of a run; names no original.

    Attributes:
        written: Files that lie in the results.
        duplicates: Files whose image lies there already, identical.
        refused: Files kept aside.
        done_before: Files among these that an earlier run had done.
        frames: Frames written.
        texts: Texts blanked.
        without_regions: Files written that declared no scan regions.
    """

    written: int
    duplicates: int
    refused: int
    done_before: int
    frames: int
    texts: int
    without_regions: int


def deidentify(
    files: Iterable[Path],
    *,
    into: Path,
    private: Path,
    key: DeidentificationKey,
    policy: DeidentificationPolicy | None = None,
    find: TextFinder | None = find_text,
    canonical: Callable[[PatientIdentifier], PatientIdentifier] = lambda one: one,
    on_done: Callable[[DoneFile], None] = lambda _: None,
) -> DeidentificationReport:
    """De-identify files, failing closed.

    Args:
        files: Files and folders.
        into: Folder of results, which may be given away.
        private: Folder of the journal, which names originals and stays with the key.
        key: The secret.
        policy: What the site decides.
        find: Finds burned-in text; None does without, as when the engine is not installed.
        canonical: Which identifier stands for a patient now (``MergeTable.canonical``).
        on_done: Told of every file of this run.

    Returns:
        The counts over all files given.

    Raises:
        InvalidInput: If the folders were begun with another key or policy, or one lies within
            the other.
    """
    policy = policy or DeidentificationPolicy()
    _refuse_mixed_folders(into, private)
    run = _Run(
        into=into,
        journal=Journal(private / JOURNAL, settings=_settings(key, policy)),
        key=key,
        policy=policy,
        find=find if find is not find_text or is_text_finding_installed() else None,
        canonical=canonical,
    )
    done_before, sources = 0, []
    for path in _each(files):
        entry = run.done_before(path)
        done_before += entry is not None
        if entry is None:
            done = run.do(path)
            run.journal.add(done.entry)
            on_done(done)
        sources.append(_name(path))
    return _counted([run.journal.entry(source) for source in sources], done_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What every file of a run needs."""

    into: Path
    journal: Journal
    key: DeidentificationKey
    policy: DeidentificationPolicy
    find: TextFinder | None
    canonical: Callable[[PatientIdentifier], PatientIdentifier]

    def done_before(self, path: Path | RefusedFile) -> Entry | None:
        """The entry of a file that needs no work; what was refused is tried again."""
        entry = self.journal.entry(_name(path))
        if isinstance(path, RefusedFile) or entry is None or entry.state == REFUSED:
            return None
        is_there = (self.into / entry.output).is_file()
        return entry if is_there and entry.sha256 == sha256_of(path) else None

    def do(self, path: Path | RefusedFile) -> DoneFile:
        """De-identify one file, or say why not."""
        name = _name(path)
        if isinstance(path, RefusedFile):
            return DoneFile(entry=Entry(source=name, sha256="", state=REFUSED, reason=path.reason))
        digest = ""
        try:
            with guarded(name, problem="cannot be de-identified", remedy="look at the file"):
                digest = sha256_of(path)
                if recognise(path, name) is Reader.DICOM:
                    return self._image(path, name, digest)
                return self._picture(path, name, digest)
        except DeepPCOSError as problem:
            return DoneFile(
                entry=Entry(source=name, sha256=digest, state=REFUSED, reason=str(problem))
            )

    def _image(self, path: Path, name: str, digest: str) -> DoneFile:
        header = open_dicom(path, name).header
        patient = self.canonical(patient_of(header, default_issuer=self.policy.default_issuer))
        disguise = disguise_of(header, key=self.key, patient=patient)
        study, image = new_uids(header, disguise)
        target = self.into / disguise.pseudonym / study / f"{image}.dcm"
        _refuse_pdf(header, name)
        if text_of(header, "SOPClassUID") in STRUCTURED_CLASSES:
            return self._structured(path, name, digest, disguise, target)
        has_regions = bool(scan_regions(header))
        find = None if self.policy.trust_regions and has_regions else self.find
        self._refuse_without_engine(name, find)
        self._refuse_unknown_layout(name, has_regions=has_regions)
        partial = _partial(target)
        cleaned = clean_image(path, into=partial, disguise=disguise, find=find, source=name)
        return DoneFile(
            entry=Entry(
                source=name,
                sha256=digest,
                state=self._put(partial, target, name),
                output=target.relative_to(self.into).as_posix(),
                frames=cleaned.frames,
                texts=cleaned.blanking.texts,
                outside_regions=round(cleaned.blanking.outside_regions, 4),
                has_regions=has_regions,
            ),
            before=cleaned.before,
            mask=cleaned.blanking.mask,
        )

    def _structured(
        self, path: Path, name: str, digest: str, disguise: Disguise, target: Path
    ) -> DoneFile:
        """A report or a segmentation: nothing on it was ever on a screen."""
        partial = _partial(target)
        cleaned = clean_structured(path, into=partial, disguise=disguise, source=name)
        return DoneFile(
            entry=Entry(
                source=name,
                sha256=digest,
                state=self._put(partial, target, name),
                output=target.relative_to(self.into).as_posix(),
                frames=cleaned.frames,
                texts=len(cleaned.texts),
                has_regions=True,
            ),
            texts=cleaned.texts,
        )

    def _picture(self, path: Path, name: str, digest: str) -> DoneFile:
        self._refuse_without_engine(name, self.find)
        self._refuse_unknown_layout(name, has_regions=False)
        pixels = read_picture(path, source=name)
        cleaned = clean_picture(pixels, find=self.find or find_text, source=name)
        target = self.into / PICTURES / f"{self.key.name_of_content(digest)}.png"
        partial = _partial(target)
        write_png(cleaned.pixels, partial)
        return DoneFile(
            entry=Entry(
                source=name,
                sha256=digest,
                state=self._put(partial, target, name),
                output=target.relative_to(self.into).as_posix(),
                frames=1,
                texts=cleaned.blanking.texts,
            ),
            before=pixels,
            mask=cleaned.blanking.mask,
        )

    def _put(self, partial: Path, target: Path, name: str) -> str:
        """Give a finished file its name, unless something else lies there; says the state."""
        flush(partial)
        try:
            os.link(partial, target)
            force_folder_to_disk(target.parent)
        except FileExistsError:
            if sha256_of(partial) != sha256_of(target):
                raise InvalidInput(
                    f"{name}: another image with the same identifier was de-identified before",
                    accepted="one image for each SOP Instance UID",
                    remedy="look at both originals; leave one out",
                ) from None
        finally:
            partial.unlink(missing_ok=True)
        # A killed run may have written the file and not said so: then nobody else claims it.
        output = target.relative_to(self.into).as_posix()
        others = (one for one in self.journal.entries() if one.source != name)
        return DUPLICATE if any(one.output == output for one in others) else WRITTEN

    def _refuse_unknown_layout(self, name: str, *, has_regions: bool) -> None:
        """Where no regions are declared, names may stand anywhere, and reading misses some."""
        if not has_regions and not self.policy.accept_unknown_layouts:
            raise InvalidInput(
                f"{name}: does not say where its scan lies and where its banner",
                value="no ultrasound regions",
                accepted="an image that declares its regions",
                remedy="add --unknown-layouts, and look at every picture of the sheet",
            )

    def _refuse_without_engine(self, name: str, find: TextFinder | None) -> None:
        """Without the engine only declared regions may do, and only where the site says so."""
        if find is None and not self.policy.trust_regions:
            raise InvalidInput(
                f"{name}: burned-in names cannot be looked for",
                value="no OCR engine",
                accepted="an installed rapidocr",
                remedy="install it with: pip install 'deeppcos[deidentify]'; or --regions-only "
                "where names never stand inside the scan regions",
            )


def _each(files: Iterable[Path]) -> Iterator[Path | RefusedFile]:
    """Every file once, in order."""
    seen: set[str] = set()
    for path in files:
        for file in files_of(path):
            if _name(file) not in seen:
                seen.add(_name(file))
                yield file


def _name(path: Path | RefusedFile) -> str:
    return path.source if isinstance(path, RefusedFile) else os.path.realpath(path)


def _refuse_pdf(header: Dataset, name: str) -> None:
    if text_of(header, "SOPClassUID") == EncapsulatedPDFStorage:
        raise InvalidInput(
            f"{name}: a PDF is not de-identified: names stand in its text and its pictures",
            accepted="images, structured reports, segmentations",
            remedy="leave it out; the structured report holds the measurements",
        )


def _settings(key: DeidentificationKey, policy: DeidentificationPolicy) -> dict[str, str]:
    return {
        "key": key.name_of_content("fingerprint"),
        "default_issuer": policy.default_issuer,
        "trust_regions": str(policy.trust_regions),
        "accept_unknown_layouts": str(policy.accept_unknown_layouts),
    }


def _refuse_mixed_folders(into: Path, private: Path) -> None:
    """What names patients must not lie in what is given away."""
    results, secrets = into.resolve(), private.resolve()
    if secrets == results or secrets.is_relative_to(results):
        raise InvalidInput(
            "the private folder lies in the folder of results",
            value=str(private),
            accepted="two folders, neither inside the other",
            remedy="give another private folder",
        )


def _partial(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f".{target.name}.partial")


def _counted(entries: Iterable[Entry | None], done_before: int) -> DeidentificationReport:
    known = [entry for entry in entries if entry is not None]
    written = [entry for entry in known if entry.state == WRITTEN]
    return DeidentificationReport(
        written=len(written),
        duplicates=sum(entry.state == DUPLICATE for entry in known),
        refused=sum(entry.state == REFUSED for entry in known),
        done_before=done_before,
        frames=sum(entry.frames for entry in written),
        texts=sum(entry.texts for entry in written),
        without_regions=sum(not entry.has_regions for entry in written),
    )


def shown_after(before: Picture, mask: Mask) -> Picture:
    """The first frame as it was written."""
    after = before.copy()
    after[mask] = np.uint8(0)
    return after
