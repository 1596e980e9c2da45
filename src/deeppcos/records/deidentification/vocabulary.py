"""The words that may stand in a de-identified header: a closed list, since words can be names.

Owns the defined terms of coded strings, the makers and product lines that are recognised, and the
dictionary lookup of coded concepts. A word that is not known here is dropped, never passed on.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

from pydicom.dataset import Dataset

# pydicom's public door to these tables finds a code by its words, not the words by a code.
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

from deeppcos.records import codes as codes_of_reports
from deeppcos.records.codes import Code

_SIDES = frozenset({"L", "R", "B", "U"})
_YES_NO = frozenset({"YES", "NO", "UNKNOWN"})
_FRAME_TYPES = frozenset(
    [
        "ORIGINAL",
        "DERIVED",
        "PRIMARY",
        "SECONDARY",
        "MIXED",
        "NONE",
        "VOLUME",
        "TISSUE_INTENSITY",
        "OUTLINES",
        "ENDOVAGINAL",
        "GYNECOLOGY",
        "OBSTETRICAL",
        "ABDOMINAL",
        "ENDORECTAL",
        "ENDOCAVITARY",
        "PELVIC",
        "SMALL_PARTS",
        "TRANSVAGINAL",
        "VASCULAR",
    ]
)
TERMS: dict[str, frozenset[str]] = {
    "ImageType": _FRAME_TYPES,
    "FrameType": _FRAME_TYPES,
    "Modality": frozenset({"US", "IVUS", "OT", "SC", "SR", "SEG"}),
    "ConversionType": frozenset({"DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"}),
    "PatientSex": frozenset({"F", "M", "O"}),
    "SmokingStatus": _YES_NO,
    "Laterality": _SIDES,
    "ImageLaterality": _SIDES,
    "FrameLaterality": _SIDES,
    "BodyPartExamined": frozenset(
        {"OVARY", "UTERUS", "PELVIS", "ABDOMEN", "ABDOMENPELVIS", "ENDOMETRIUM", "CERVIX"}
    ),
    "PatientOrientation": frozenset({"L", "R", "A", "P", "H", "F"}),
    "PhotometricInterpretation": frozenset(
        {"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_RCT", "PALETTE COLOR"}
    ),
    "LossyImageCompression": frozenset({"00", "01"}),
    "LossyImageCompressionMethod": frozenset(
        {"ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_13818_2", "ISO_14496_10"}
    ),
    "TransducerType": frozenset(
        {
            "SECTOR_PHASED",
            "SECTOR_MECH",
            "SECTOR_ANNULAR",
            "LINEAR",
            "CURVED LINEAR",
            "SINGLE CRYSTAL",
            "SPLIT XTAL CWD",
            "IV_PHASED",
            "IV_ROT XTAL",
            "IV_ROT MIRROR",
            "ENDOCAV_PA",
            "ENDOCAV_MECH",
            "ENDOCAV_CLA",
            "ENDOCAV_AA",
            "ENDOCAV_LINEAR",
            "VECTOR_PHASED",
        }
    ),
    "VolumetricProperties": frozenset({"VOLUME", "SAMPLED", "DISTORTED", "MIXED"}),
    "VolumeBasedCalculationTechnique": frozenset(
        {"NONE", "MAX_IP", "MIN_IP", "VOLUME_RENDER", "SURFACE_RENDER", "MPR", "CURVED_MPR"}
    ),
    "PixelPresentation": frozenset({"MONOCHROME", "COLOR", "MIXED", "TRUE_COLOR"}),
    "DimensionOrganizationType": frozenset({"3D", "3D_TEMPORAL", "TILED_FULL", "TILED_SPARSE"}),
    "UltrasoundAcquisitionGeometry": frozenset({"APEX"}),
    "DataType": frozenset({"TISSUE_INTENSITY", "FLOW_VELOCITY", "FLOW_POWER", "ELASTICITY"}),
    "PatientFrameOfReferenceSource": frozenset({"TABLE", "ESTIMATED", "REGISTRATION"}),
    "PositionMeasuringDeviceUsed": frozenset({"RIGID", "FREEHAND"}),
    "ValueType": frozenset(
        {"CONTAINER", "NUM", "CODE", "TEXT", "PNAME", "DATE", "UIDREF", "IMAGE", "COMPOSITE"}
        | {"SCOORD"}
    ),
    "RelationshipType": frozenset(
        {"CONTAINS", "HAS PROPERTIES", "HAS OBS CONTEXT", "HAS CONCEPT MOD", "INFERRED FROM"}
        | {"SELECTED FROM", "HAS ACQ CONTEXT"}
    ),
    "ContinuityOfContent": frozenset({"SEPARATE", "CONTINUOUS"}),
    "CompletionFlag": frozenset({"COMPLETE", "PARTIAL"}),
    "VerificationFlag": frozenset({"VERIFIED", "UNVERIFIED"}),
    "PreliminaryFlag": frozenset({"PRELIMINARY", "FINAL"}),
    "MappingResource": frozenset({"DCMR"}),
    "TemplateIdentifier": frozenset(
        {"1410", "1411", "1419", "1420", "1500", "1501", "5000", "5012", "5013", "5016"}
    ),
    "GraphicType": frozenset({"POINT", "MULTIPOINT", "POLYLINE", "CIRCLE", "ELLIPSE"}),
    "SegmentAlgorithmType": frozenset({"AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"}),
    "SegmentationType": frozenset({"BINARY"}),
    "SegmentsOverlap": _YES_NO | {"UNDEFINED"},
    "SpatialLocationsPreserved": _YES_NO | {"REORIENTED_ONLY"},
    "PresentationLUTShape": frozenset({"IDENTITY", "INVERSE"}),
}
"""Defined terms kept for each coded string."""

_FLAGS_OF_MODES = re.compile(r"[0-9A-F]{4}")  # Image Type, value 4 of ultrasound: a bit mask

MAKERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "GE": ("GE Healthcare", ("Voluson", "LOGIQ", "Vivid", "Vscan", "Versana")),
    "KRETZ": ("GE Healthcare", ("Voluson",)),
    "PHILIPS": ("Philips", ("EPIQ", "Affiniti", "iU22", "HD", "ClearVue", "CX", "Lumify")),
    "SAMSUNG": ("Samsung Medison", ("HERA", "WS", "HS", "RS", "UGEO", "V", "EVO")),
    "MEDISON": ("Samsung Medison", ("Accuvix", "SonoAce", "WS", "HS", "UGEO")),
    "SIEMENS": ("Siemens Healthineers", ("ACUSON", "Sequoia", "SONOLINE", "Juniper", "S")),
    "ACUSON": ("Siemens Healthineers", ("ACUSON", "Sequoia")),
    "MINDRAY": ("Mindray", ("DC", "Resona", "Nuewa", "Consona", "M", "TE", "Z")),
    "CANON": ("Canon Medical", ("Aplio", "Xario", "Viamo")),
    "TOSHIBA": ("Canon Medical", ("Aplio", "Xario", "Viamo", "Nemio")),
    "HITACHI": ("Hitachi", ("ARIETTA", "Noblus", "Preirus", "Ascendus", "EUB", "HI VISION")),
    "ALOKA": ("Hitachi", ("ProSound", "Prosound", "SSD")),
    "FUJIFILM": ("Fujifilm", ("ARIETTA", "SonoSite", "LISENDO")),
    "SONOSITE": ("Fujifilm", ("M-Turbo", "Edge", "Titan", "MicroMaxx")),
    "ESAOTE": ("Esaote", ("MyLab",)),
    "SUPERSONIC": ("SuperSonic Imagine", ("Aixplorer", "Mach")),
    "BUTTERFLY": ("Butterfly Network", ("iQ",)),
    "CLARIUS": ("Clarius", ("C3", "EC7", "L7")),
    "CHISON": ("Chison", ("QBit", "SonoMax", "EBit")),
    "SONOSCAPE": ("SonoScape", ("P", "S", "X")),
    "EDAN": ("Edan", ("Acclarix", "U")),
    "DEEPPCOS": ("DeepPCOS", ("Phantom", "phantom")),
}
"""First word of a maker's name, how it is written here, and its product lines."""

_TYPE_WORDS = r"(?:[ -]?(?:[A-Z]{0,3}\d{1,4}[A-Za-z]{0,2}|BT\d{2}|Expert|Pro|Elite|Evo|Plus|[SEP]))"


def term(keyword: str, value: str) -> str:
    """A defined term, or nothing.

    Examples:
        >>> term("Modality", "US"), term("Modality", "JANE")
        ('US', '')
    """
    word = value.strip()
    if word in TERMS.get(keyword, frozenset()):
        return word
    is_flags = keyword == "ImageType" and _FLAGS_OF_MODES.fullmatch(word)
    return word if is_flags else ""


def maker(text: str) -> str:
    """A known maker under one name, or nothing.

    Examples:
        >>> maker("GE Medical Systems Kretz"), maker("Dr. Jane Doe")
        ('GE Healthcare', '')
    """
    known = _known_maker(text)
    return "" if known is None else known[0]


def model(text: str, *, made_by: str) -> str:
    """A product line and a short type of a known maker, or nothing.

    Examples:
        >>> model("Voluson E10", made_by="GE Healthcare"), model("Voluson Room 3", made_by="GE")
        ('Voluson E10', '')
    """
    known = _known_maker(made_by)
    if known is None:
        return ""
    lines = "|".join(re.escape(line) for line in known[1])
    matched = re.fullmatch(rf"(?:{lines}){_TYPE_WORDS}{{0,3}}", text.strip(), re.IGNORECASE)
    return text.strip() if matched else ""


def _known_maker(text: str) -> tuple[str, tuple[str, ...]] | None:
    words = re.findall(r"[A-Z]+", unicodedata.normalize("NFKD", text).upper())
    return MAKERS.get(words[0]) if words else None


def coded(item: Dataset) -> Dataset | None:
    """A coded concept with the dictionary's words, or None when the dictionary does not know it.

    Args:
        item: An item of a code sequence.

    Returns:
        Code Value, Coding Scheme Designator and the dictionary's Code Meaning, nothing else.
    """
    code, scheme = str(item.get("CodeValue") or ""), str(item.get("CodingSchemeDesignator") or "")
    meaning = _meanings().get((scheme, code))
    if meaning is None:
        return None
    clean = Dataset()
    clean.CodeValue, clean.CodingSchemeDesignator, clean.CodeMeaning = code, scheme, meaning
    return clean


@cache
def _meanings() -> dict[tuple[str, str], str]:
    """The meaning of every concept in pydicom's dictionary, legacy SNOMED codes included."""
    found: dict[tuple[str, str], str] = {}
    tables: dict[str, dict[str, Any]] = cast(Any, concepts)
    for scheme, by_keyword in tables.items():
        for by_code in by_keyword.values():
            for code, entry in by_code.items():
                found[scheme, str(code)] = str(entry[0])
    for scheme, codes in mapping.items():
        if scheme != "SCT":
            found.update(_legacy(scheme, codes, found))
    # Ours: what our own reports say, and LOINC and UCUM codes that pydicom does not list.
    found.update({(one.scheme, one.value): one.meaning for one in _our_codes()})
    return found


def _our_codes() -> Iterator[Code]:
    return _codes_in(list(vars(codes_of_reports).values()))


def _codes_in(values: Iterable[object]) -> Iterator[Code]:
    """Every concept among some values, those of tables included."""
    for one in values:
        if isinstance(one, Code):
            yield one
        elif isinstance(one, dict):
            yield from _codes_in(one.values())
        elif isinstance(one, tuple | list):
            yield from _codes_in(one)


def _legacy(
    scheme: str, codes: dict[str, Any], known: dict[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """Legacy codes under the meaning of the SNOMED CT code each stands for."""
    return {
        (scheme, legacy): known["SCT", str(current)]
        for legacy, current in codes.items()
        if ("SCT", str(current)) in known
    }


def is_known_word(text: str) -> bool:
    """Whether a text is one that this module may have written."""
    return text in _words() or any(model(text, made_by=first) == text for first in MAKERS if text)


@cache
def _words() -> frozenset[str]:
    terms = {word for words in TERMS.values() for word in words}
    codes = {part for pair, meaning in _meanings().items() for part in (*pair, meaning)}
    return frozenset(terms | codes | {name for name, _ in MAKERS.values()})
