"""Public data sets on polycystic ovaries: where they are, what they are good for, their traps.

Owns facts about data sets, as read on public pages and found by our own audits. A licence is
given here only where the source's own page or record states one; everything is asked again when a
set is brought, and what the source says then is shown, recorded, and refused when it differs.
"""

from dataclasses import dataclass

from deeppcos.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Kaggle:
    """A data set on Kaggle, brought with the user's own account."""

    owner: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figshare:
    """An article on figshare; ``only`` names the files that are needed, all when empty."""

    article: int
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Zenodo:
    """One or several records on Zenodo."""

    records: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRequest:
    """A set whose files are handed out on request: brought with ``--from`` afterwards."""

    how: str


Access = Kaggle | Figshare | Zenodo | ByRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """One public data set.

    Attributes:
        name: As ``deeppcos data get`` takes it, and the name of its folder.
        title: Title at its source.
        source_url: Page of the source.
        access: How the files are brought.
        licence: As the source states it; empty where we have not seen it stated.
        size: What it holds, in words.
        good_for: What it can be used for.
        traps: What misleads those who use it.
        conversion: Key of ``convert.CONVERSIONS``.
        checksums: File name to ``sha256:...`` where known; otherwise recorded when first brought.
        citation: What to cite.
    """

    name: str
    title: str
    source_url: str
    access: Access
    licence: str
    size: str
    good_for: str
    traps: tuple[str, ...]
    conversion: str
    checksums: tuple[tuple[str, str], ...] = ()
    citation: str = ""


PUBLIC_SETS: dict[str, PublicSet] = {
    one.name: one
    for one in (
        PublicSet(
            name="mmotu",
            title="MMOTU: multi-modality ovarian tumour ultrasound, OTU_2d",
            source_url="https://figshare.com/articles/dataset/_zip/25058690",
            access=Figshare(article=25058690),
            licence="CC BY 4.0",
            size="1,469 transvaginal stills of 8 classes with one outline each",
            good_for="outlines of ovaries and lesions, telling them apart",
            traps=(
                "The class names the outlined object, not the picture: one frame occurs with "
                "different outlines.",
                "Neighbouring ids are one patient's series, and there are about 150 pairs of near "
                "duplicates: the uploader's split leaks. Split by group.",
                "'Normal' means no tumour; some of these ovaries are plainly multifollicular. No "
                "picture carries a PCOS label.",
                "Yellow calipers and text lie on most ovaries and lesions; colour Doppler is "
                "commoner in lesions. Both are shortcuts.",
            ),
            conversion="mmotu",
            citation="Zhao et al., arXiv:2207.06799",
        ),
        PublicSet(
            name="usova3d",
            title="USOVA3D: annotated three-dimensional ovarian ultrasound",
            source_url="https://usova3d.um.si/",
            access=ByRequest(
                how="Register with the authors at https://usova3d.um.si/, download "
                "Training_Set_2019.zip, and bring it with --from FILE."
            ),
            licence="",
            size="35 volumes, 16 of them with ovary and follicles by two raters",
            good_for="follicles and volume of the whole ovary in 3D",
            traps=(
                "The 19 test volumes come without ratings.",
                "Whether two volumes are of one patient is not stated.",
                "Stimulated cycles with large follicles: not antral follicles of PCOS.",
            ),
            conversion="usova3d",
            citation="Potocnik and Savc, Applied Sciences 12(3):1246, 2022",
        ),
        PublicSet(
            name="kaggle-pcos-ultrasound",
            title="PCOS detection using ultrasound images (infected, notinfected)",
            source_url="https://www.kaggle.com/datasets/anaghachoudhari/"
            "pcos-detection-using-ultrasound-images",
            access=Kaggle(owner="anaghachoudhari", slug="pcos-detection-using-ultrasound-images"),
            licence="",
            size="about 3,800 files in 2 classes",
            good_for="showing what an audit finds; nothing should be claimed on it",
            traps=(
                "A handful of source photographs, augmented: in the sample we audited, 170 files "
                "are eight photographs, four of ovaries and four of uteri.",
                "Its test pictures are copies from its training pictures.",
                "The size of a picture alone separates the classes.",
                "'notinfected' shows uteri: the label is organ, not disease.",
            ),
            conversion="classes",
        ),
        PublicSet(
            name="kaggle-pcos-2000",
            title="2000 images of ultrasound for PCOS",
            source_url="https://www.kaggle.com/datasets/shnotweta/"
            "2000-images-of-ultrasound-for-pcos",
            access=Kaggle(owner="shnotweta", slug="2000-images-of-ultrasound-for-pcos"),
            licence="",
            size="about 1,900 files in the classes infected and notinfected",
            good_for="nothing before its audit has been read",
            traps=(
                "Class names as in the set of the 3,800 files; its users deleted repeated "
                "photographs. Origin and patients are not stated.",
            ),
            conversion="classes",
        ),
        PublicSet(
            name="figshare-pcos",
            title="PCOS Dataset (infected, noninfected)",
            source_url="https://figshare.com/articles/dataset/PCOS_Dataset/27682557",
            access=Figshare(article=27682557),
            licence="",
            size="pictures in 2 classes",
            good_for="nothing before its audit has been read",
            traps=(
                "Patients and machines are not stated; its users report repeated pictures. We "
                "have not audited it.",
            ),
            conversion="classes",
        ),
        PublicSet(
            name="pcosgen",
            title="PCOSGen: ultrasound pictures of the Auto-PCOS challenge",
            source_url="https://zenodo.org/records/10430727",
            access=Zenodo(records=(10430727, 10960327)),
            licence="",
            size="training and test archive, labels healthy and unhealthy in a table",
            good_for="classification after its audit has been read",
            traps=(
                "Gathered from the internet: patients, machines and repeats are not stated.",
                "The label was given to the picture, not to a worked-up woman.",
            ),
            conversion="pcosgen",
        ),
        PublicSet(
            name="kerala-541",
            title="Polycystic ovary syndrome: 541 women of ten hospitals in Kerala",
            source_url="https://www.kaggle.com/datasets/prasoonkottarathil/"
            "polycystic-ovary-syndrome-pcos",
            access=Kaggle(owner="prasoonkottarathil", slug="polycystic-ovary-syndrome-pcos"),
            licence="",
            size="541 rows and 44 columns, 177 positive",
            good_for="clinical models, and learning how tables mislead",
            traps=(
                "20 groups of rows are likely the same woman; 4 of them carry both labels.",
                "Follicle counts nearly restate the label: 95 of 177 positives have 12 or more on "
                "a side, 9 of 364 negatives.",
                "'Cycle length(days)' is days of bleeding. 'Cycle(R/I)' is 2 regular, 4 irregular, "
                "5 unknown.",
                "Impossible values: FSH 5,052, LH 2,018, vitamin D 6,014, blood pressure 12, text "
                "in numeric columns; BMI and ratios must be computed again.",
                "No row belongs to any ultrasound picture; pairing them is fabrication.",
            ),
            conversion="tables",
        ),
    )
}


def public_set(name: str) -> PublicSet:
    """A set of the catalogue.

    Args:
        name: Its name.

    Returns:
        The set.

    Raises:
        InvalidInput: If there is none of that name.
    """
    if name not in PUBLIC_SETS:
        raise InvalidInput(
            "unknown data set",
            value=name,
            accepted=", ".join(PUBLIC_SETS),
            remedy="deeppcos data list shows them",
        )
    return PUBLIC_SETS[name]


def described(one: PublicSet) -> list[str]:
    """What a user should know before a set is brought, one line each.

    Args:
        one: The set.

    Returns:
        Lines.
    """
    return [
        f"{one.name}: {one.title}",
        f"  source: {one.source_url}",
        f"  licence: {one.licence or 'not stated on the pages we read; the source is asked'}",
        f"  holds: {one.size}",
        f"  good for: {one.good_for}",
        *[f"  trap: {trap}" for trap in one.traps],
        *([f"  cite: {one.citation}"] if one.citation else []),
    ]
