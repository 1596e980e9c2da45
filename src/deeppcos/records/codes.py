"""Every code DeepPCOS writes or understands, in one table, with how far it was checked.

Owns the codes of SNOMED CT, LOINC, UCUM and DICOM, the legacy SNOMED RT codes older machines
write, and the private codes of what no standard names. Which code stands where in a message is
the business of the writers.

A code is never used on trust alone: ``verification`` says whether it was found in a dictionary
(``V``: the one of DICOM that pydicom ships, the official FHIR system names, or LOINC's own
display text), seen only in other people's code or a secondary table (``V2``), or known from
memory (``M``). A test compares every ``V`` code of DICOM's dictionary with pydicom.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.ovary import Side
from deeppcos.clinical.patient import Contraception
from deeppcos.clinical.sourcing import Verification


class Scheme(StrEnum):
    """Coding Scheme Designators as DICOM writes them (PS3.16 section 8)."""

    SNOMED_CT = "SCT"
    SNOMED_RT = "SRT"
    LOINC = "LN"
    DICOM = "DCM"
    UCUM = "UCUM"
    ATC = "ATC"
    DEEPPCOS = "99DEEPPCOS"


FHIR_SYSTEMS = {
    Scheme.SNOMED_CT: "http://snomed.info/sct",
    Scheme.LOINC: "http://loinc.org",
    Scheme.DICOM: "http://dicom.nema.org/resources/ontology/DCM",
    Scheme.UCUM: "http://unitsofmeasure.org",
    Scheme.ATC: "http://www.whocc.no/atc",
    Scheme.DEEPPCOS: "urn:deeppcos:codes",
}
"""Names of the code systems in FHIR. Legacy SNOMED RT codes are read, never written."""

HL7_SYSTEMS = {
    Scheme.SNOMED_CT: "SCT",
    Scheme.LOINC: "LN",
    Scheme.DICOM: "DCM",
    Scheme.UCUM: "UCUM",
    Scheme.ATC: "ATC",
    Scheme.DEEPPCOS: "99DEEPPCOS",
}
"""Names of the code systems in HL7 v2 (table 0396)."""

_DICTIONARY = "DICOM PS3.16 2024 as shipped in pydicom 3"
_TWO_CODE_BASES = "seen in two public parsers of vendors' reports; not in DICOM's dictionary"
_CHECK_DIGIT_ONLY = "general knowledge; only the LOINC check digit was computed"
_MEMORY = "general knowledge; not looked up anywhere"
_PROJECT = "this project: no standard code for it was found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One concept.

    Attributes:
        value: Code value.
        scheme: Whose code it is.
        meaning: What it says, as its dictionary prints it; at most 64 characters.
        verification: How it was checked.
        source: Where.
        legacy: The SNOMED RT code older machines write for the same, or empty.
    """

    value: str
    scheme: Scheme
    meaning: str
    verification: Verification = Verification.PRIMARY
    source: str = _DICTIONARY
    legacy: str = ""

    @property
    def fhir_system(self) -> str:
        """The URI that names the code system in FHIR."""
        return FHIR_SYSTEMS[self.scheme]

    @property
    def hl7(self) -> str:
        """As an HL7 v2 coded element, ``value^meaning^system``."""
        return f"{self.value}^{self.meaning}^{HL7_SYSTEMS[self.scheme]}"


def _snomed(value: str, meaning: str, legacy: str = "") -> Code:
    return Code(value=value, scheme=Scheme.SNOMED_CT, meaning=meaning, legacy=legacy)


def _dicom(value: str, meaning: str) -> Code:
    return Code(value=value, scheme=Scheme.DICOM, meaning=meaning)


def _seen_loinc(value: str, meaning: str) -> Code:
    return Code(
        value=value,
        scheme=Scheme.LOINC,
        meaning=meaning,
        verification=Verification.SECONDARY,
        source=_TWO_CODE_BASES,
    )


def _remembered_loinc(value: str, meaning: str) -> Code:
    return Code(
        value=value,
        scheme=Scheme.LOINC,
        meaning=meaning,
        verification=Verification.UNVERIFIED,
        source=_CHECK_DIGIT_ONLY,
    )


def _remembered(value: str, scheme: Scheme, meaning: str) -> Code:
    return Code(
        value=value,
        scheme=scheme,
        meaning=meaning,
        verification=Verification.UNVERIFIED,
        source=_MEMORY,
    )


def _own(value: str, meaning: str) -> Code:
    return Code(
        value=value,
        scheme=Scheme.DEEPPCOS,
        meaning=meaning,
        verification=Verification.PROJECT,
        source=_PROJECT,
    )


# Anatomy and what is seen in it.
OVARY = _snomed("15497006", "Ovary", "T-87000")
OVARIAN_FOLLICLE = Code(
    value="24162005",
    scheme=Scheme.SNOMED_CT,
    meaning="Ovarian Follicle",
    source=f"{_DICTIONARY}, there 'Ovarian follicle structure (body structure)'",
    legacy="T-87600",
)
LESION = _snomed("52988006", "Lesion")
ANATOMICAL_STRUCTURE = _snomed("91723000", "Anatomical Structure")
MORPHOLOGICALLY_ABNORMAL = _snomed("49755003", "Morphologically Abnormal Structure")
LEFT = _snomed("7771000", "Left", "G-A101")
RIGHT = _snomed("24028007", "Right", "G-A100")
FINDING_SITE = _snomed("363698007", "Finding Site", "G-C0E3")
LATERALITY = _snomed("272741003", "Laterality", "G-C171")
SIDES = {Side.LEFT: LEFT, Side.RIGHT: RIGHT}

# How it was scanned.
TRANSVAGINAL = _snomed("54300008", "Trans-vaginal")
TRANSABDOMINAL = _snomed("66739002", "Trans-abdominal")
US_PELVIS = Code(value="24869-0", scheme=Scheme.LOINC, meaning="US Pelvis")
ACQUISITION_PROTOCOL = _dicom("125203", "Acquisition Protocol")

# Quantities. The three counts are never interchangeable, so each has a code of its own.
FNPS = _own("FNPS", "Follicle number per section")
TRACKED_ESTIMATE = _own("FNTE", "Follicle number estimated by tracking a sweep")
FNPO = _own("FNPO", "Follicle number per ovary, 2 to 9 mm")
PROBABILITY = _own("PROB", "Probability that the outline is what it is called")
FOLLICLE_SIZE_CLASS = _own("SIZECLASS", "Size class of a follicle")
ANTRAL = _own("ANTRAL", "Antral, 2.0 to 9.9 mm")
DOMINANT = _own("DOMINANT", "Dominant, 10 mm and over")
BELOW_RANGE = _own("BELOWRANGE", "Under 2 mm, not counted")
UNSIZED = _own("UNSIZED", "Size unknown, no scale")
SIZE_CLASSES = {
    "antral": ANTRAL,
    "dominant": DOMINANT,
    "below_range": BELOW_RANGE,
    "unsized": UNSIZED,
}
VOLUME = _snomed("118565006", "Volume", "G-D705")
LENGTH = _snomed("410668003", "Length", "G-D7FE")
WIDTH = _snomed("103355008", "Width", "G-A220")
HEIGHT = _dicom("121207", "Height")
DIAMETER = _snomed("81827009", "Diameter", "M-02550")
AREA = _snomed("42798000", "Area")
LONG_AXIS = _snomed("103339001", "Long axis", "G-A185")
SHORT_AXIS = _snomed("103340004", "Short axis", "G-A186")
UPPER_UNCERTAINTY = _snomed("371886008", "+, range of upper measurement uncertainty")
LOWER_UNCERTAINTY = _snomed("371885007", "-, range of lower measurement uncertainty")

# How it was measured.
DERIVATION = _dicom("121401", "Derivation")
MEASUREMENT_METHOD = _snomed("370129005", "Measurement Method", "G-C036")
MEAN = _snomed("373098007", "Mean", "R-00317")
MEDIAN = _snomed("373099004", "Median", "R-00319")
MAXIMUM = _snomed("56851009", "Maximum", "G-A437")
MINIMUM = _snomed("255605001", "Minimum", "R-404FB")
ELLIPSOID_METHOD = _dicom("126029", "LWH method for volume of ellipsoid")
SLICES_METHOD = _dicom("126030", "Sum of segmented voxel method for volume")
SECTION_METHOD = _own("M-SECTION", "Follicles marked in one section by image analysis")
TRACKING_METHOD = _own("M-SWEEP", "Follicles followed through a 2D sweep by image analysis")
VOLUME_COUNT_METHOD = _own("M-VOLUME", "Follicles followed through a volume by image analysis")

# Report scaffolding.
OB_GYN_REPORT = _dicom("125000", "OB-GYN Ultrasound Procedure Report")
IMAGING_MEASUREMENT_REPORT = _dicom("126000", "Imaging Measurement Report")
IMAGING_MEASUREMENTS = _dicom("126010", "Imaging Measurements")
MEASUREMENT_GROUP = _dicom("125007", "Measurement Group")
IDENTIFIER = _dicom("125010", "Identifier")
TRACKING_IDENTIFIER = _dicom("112039", "Tracking Identifier")
TRACKING_UNIQUE_IDENTIFIER = _dicom("112040", "Tracking Unique Identifier")
FINDINGS = _dicom("121070", "Findings")
FINDING = _dicom("121071", "Finding")
SUMMARY = _dicom("121111", "Summary")
COMMENT = _dicom("121106", "Comment")
CONCLUSION = _dicom("121077", "Conclusion")
IMAGE_LIBRARY = _dicom("111028", "Image Library")
ALGORITHM_NAME = _dicom("111001", "Algorithm Name")
ALGORITHM_VERSION = _dicom("111003", "Algorithm Version")
SOURCE_OF_MEASUREMENT = _dicom("121112", "Source of Measurement")
SOURCE_FOR_PROCESSING = _dicom("121322", "Source image for image processing operation")
SEGMENTATION_DERIVATION = _dicom("113076", "Segmentation")
ARTIFICIAL_INTELLIGENCE = _dicom("123110", "Artificial Intelligence")
OF_INTEREST = _dicom("113000", "Of Interest")

# TID 5000 names its quantities of the ovary with LOINC, one code a side.
OVARY_VOLUME = {
    Side.LEFT: _seen_loinc("12164-0", "Left Ovary Volume"),
    Side.RIGHT: _seen_loinc("12165-7", "Right Ovary Volume"),
}
OVARY_LENGTH = {
    Side.LEFT: _seen_loinc("11840-6", "Left Ovary Length"),
    Side.RIGHT: _seen_loinc("11841-4", "Right Ovary Length"),
}
OVARY_WIDTH = {
    Side.LEFT: _seen_loinc("11829-9", "Left Ovary Width"),
    Side.RIGHT: _seen_loinc("11830-7", "Right Ovary Width"),
}
OVARY_HEIGHT = {
    Side.LEFT: _seen_loinc("11857-0", "Left Ovary Height"),
    Side.RIGHT: _seen_loinc("11858-8", "Right Ovary Height"),
}
FOLLICLE_DIAMETER = _seen_loinc("11793-7", "Follicle Diameter")
FOLLICLES_IN_OVARY = {
    Side.LEFT: _remembered_loinc("11879-4", "Number of follicles in left ovary"),
    Side.RIGHT: _remembered_loinc("11880-2", "Number of follicles in right ovary"),
}

# Conditions, for the reports that code them.
POLYCYSTIC_OVARY_SYNDROME = Code(
    value="237055002",
    scheme=Scheme.SNOMED_CT,
    meaning="Polycystic ovary syndrome",
    source="read in a public terminology map",
)
POLYCYSTIC_OVARY = Code(
    value="781067001",
    scheme=Scheme.SNOMED_CT,
    meaning="Polycystic ovary",
    verification=Verification.SECONDARY,
    source="secondary terminology map; the finding, not the syndrome",
)

# The patient: read, never written.
PREGNANT = _remembered("77386006", Scheme.SNOMED_CT, "Pregnant")
POSTMENOPAUSAL = _remembered("76498008", Scheme.SNOMED_CT, "Postmenopausal state")
LAST_MENSTRUAL_PERIOD = _remembered_loinc("8665-2", "Last menstrual period start date")
CONTRACEPTIVES: dict[Code, Contraception] = {
    _remembered(value, Scheme.ATC, meaning): kind
    for value, meaning, kind in (
        ("G03AA", "Progestogens and estrogens, fixed combinations", Contraception.COMBINED),
        ("G03AB", "Progestogens and estrogens, sequential", Contraception.COMBINED),
        ("G03HB", "Antiandrogens and estrogens", Contraception.COMBINED),
        ("G02BB01", "Vaginal ring with progestogen and estrogen", Contraception.COMBINED),
        ("G03AC", "Progestogens, contraceptives", Contraception.PROGESTOGEN),
        ("G02BA03", "Plastic intrauterine device with progestogen", Contraception.PROGESTOGEN),
    )
}
"""Beginnings of ATC codes. Emergency contraception (G03AD) is no use in this sense."""

# Units.
MILLIMETRE = Code(value="mm", scheme=Scheme.UCUM, meaning="mm")
SQUARE_MILLIMETRE = Code(value="mm2", scheme=Scheme.UCUM, meaning="square millimeter")
CUBIC_CENTIMETRE = Code(value="cm3", scheme=Scheme.UCUM, meaning="cubic centimeter")
NO_UNITS = Code(value="1", scheme=Scheme.UCUM, meaning="no units")
MILLILITRE = Code(
    value="mL", scheme=Scheme.UCUM, meaning="milliliter", source="UCUM; the same as 1 cm3"
)

LENGTH_IN_MM = {"um": 0.001, "mm": 1.0, "cm": 10.0, "m": 1000.0}
VOLUME_IN_ML = {
    "mm3": 0.001,
    "ul": 0.001,
    "cm3": 1.0,
    "ml": 1.0,
    "cc": 1.0,
    "dl": 100.0,
    "dm3": 1000.0,
    "l": 1000.0,
}
"""Units read in measurements, in lower case, and what one of them is in mm or mL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaboratoryCode:
    """A LOINC code of a laboratory test and the unit it is reported in.

    Attributes:
        loinc: The code.
        unit: UCUM unit LOINC's property goes with.
        verification: ``V``: LOINC's display text was seen; ``V2``: seen only as the unit pair
            of such a code; ``M``: from memory. All pass LOINC's check digit.
    """

    loinc: str
    unit: str
    verification: Verification = Verification.PRIMARY


def _lab(loinc: str, unit: str, status: str = "V") -> LaboratoryCode:
    return LaboratoryCode(loinc=loinc, unit=unit, verification=Verification(status))


LABORATORY: Mapping[Analyte, tuple[LaboratoryCode, ...]] = {
    Analyte.AMH: (_lab("38476-8", "ng/mL"), _lab("48377-6", "pmol/L")),
    Analyte.TOTAL_TESTOSTERONE: (_lab("2986-8", "ng/dL"), _lab("14913-8", "nmol/L")),
    Analyte.FREE_TESTOSTERONE: (_lab("2991-8", "pg/mL"), _lab("14914-6", "pmol/L")),
    Analyte.SHBG: (_lab("13967-5", "nmol/L"), _lab("2942-1", "ug/dL")),
    Analyte.DHEAS: (_lab("2191-5", "ug/dL"), _lab("14688-6", "umol/L")),
    Analyte.ANDROSTENEDIONE: (_lab("1854-9", "ng/mL"), _lab("14603-5", "nmol/L", "V2")),
    Analyte.OHP_17: (_lab("1668-3", "ng/dL"), _lab("14569-8", "nmol/L", "V2")),
    Analyte.PROGESTERONE: (_lab("2839-9", "ng/mL"), _lab("14890-8", "nmol/L", "V2")),
    Analyte.LH: (_lab("10501-5", "m[IU]/mL"),),
    Analyte.FSH: (_lab("15067-2", "m[IU]/mL"),),
    Analyte.PROLACTIN: (_lab("2842-3", "ng/mL"), _lab("20568-2", "m[IU]/L", "M")),
    Analyte.TSH: (_lab("3016-3", "m[IU]/L"),),
    Analyte.FASTING_GLUCOSE: (_lab("1558-6", "mg/dL"), _lab("14771-0", "mmol/L", "V2")),
    Analyte.GLUCOSE_2H: (_lab("1518-0", "mg/dL", "V2"), _lab("14995-5", "mmol/L", "V2")),
    Analyte.FASTING_INSULIN: (_lab("20448-7", "u[IU]/mL"), _lab("14796-7", "pmol/L", "V2")),
    Analyte.HBA1C: (_lab("4548-4", "%"), _lab("59261-8", "mmol/mol", "M")),
    Analyte.TOTAL_CHOLESTEROL: (_lab("2093-3", "mg/dL"), _lab("14647-2", "mmol/L", "V2")),
    Analyte.HDL: (_lab("2085-9", "mg/dL"), _lab("14646-4", "mmol/L", "V2")),
    Analyte.LDL: (
        _lab("2089-1", "mg/dL"),
        _lab("22748-8", "mmol/L", "V2"),
        _lab("13457-7", "mg/dL", "M"),
    ),
    Analyte.TRIGLYCERIDES: (_lab("2571-8", "mg/dL"), _lab("14927-8", "mmol/L", "V2")),
    Analyte.ALBUMIN: (_lab("1751-7", "g/dL", "M"),),
    Analyte.HCG: (_lab("19080-1", "m[IU]/mL", "M"),),
}
"""The first code of a test is its usual one in mass or activity units, the second the molar."""


def all_codes() -> Iterator[Code]:
    """Every ``Code`` of this table, for tests and for the conformance statement."""
    for value in tuple(globals().values()):
        if isinstance(value, Code):
            yield value
        elif isinstance(value, dict):
            yield from (one for one in (*value, *value.values()) if isinstance(one, Code))


def has_valid_check_digit(loinc: str) -> bool:
    """Whether a LOINC code ends in its check digit (mod 10, as LOINC computes it).

    Examples:
        >>> has_valid_check_digit("12164-0"), has_valid_check_digit("12164-1")
        (True, False)
    """
    number, _, check = loinc.partition("-")
    if not (number.isdigit() and len(check) == 1 and check.isdigit()):
        return False
    doubled = "".join(
        str(int(digit) * 2) if place % 2 == 0 else digit
        for place, digit in enumerate(reversed(number))
    )
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(check)
