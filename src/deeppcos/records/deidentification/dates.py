"""Dates and times moved together, so that every interval stays and no real time does.

Owns the moving of DICOM dates, times and date-times (Retain Longitudinal Temporal Information
with Modified Dates). A patient's dates move by one secret number of days. Times of day move so
that each study starts at noon: with the days alone, the clock would still tell which examination
it was. Last menstrual date to study date stays the same number of days.
"""

import datetime as dt
import re
from dataclasses import dataclass

NOON = dt.timedelta(hours=12)
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?")
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateShift:
    """How one study moves.

    Attributes:
        days: Days that every date of the patient moves.
        study_date: The study's own date, for times that stand without one; None when unknown.
        study_start: Time of day the study began, or None: then no time of day is kept.
    """

    days: int
    study_date: dt.date | None
    study_start: dt.timedelta | None

    def date(self, text: str) -> str:
        """A DICOM date, moved; empty when it cannot be read in full.

        Examples:
            >>> DateShift(days=-31, study_date=None, study_start=None).date("20260201")
            '20260101'
        """
        day = date_in(text)
        moved = None if day is None else _moved(day, self.days)
        return "" if moved is None else f"{moved:%Y%m%d}"

    def moment(self, date: str, time: str) -> tuple[str, str]:
        """A date and the time beside it, moved as one moment.

        Args:
            date: DICOM date; the study's own is taken where it is empty.
            time: DICOM time.

        Returns:
            Date and time; what is not known is empty.

        Examples:
            >>> shift = DateShift(days=-1, study_date=None, study_start=dt.timedelta(hours=23))
            >>> shift.moment("20260202", "001500.5")
            ('20260131', '131500.500000')
        """
        day, clock = date_in(date) or self.study_date, time_in(time)
        if day is None or clock is None or self.study_start is None:
            return self.date(date), ""
        whole, rest = divmod(clock + NOON - self.study_start, _DAY)
        moved = _moved(day, self.days + whole)
        return ("" if moved is None or not date else f"{moved:%Y%m%d}"), _as_time(rest)

    def date_time(self, text: str) -> str:
        """A DICOM date-time, moved, without its offset from UTC; empty unless read in full."""
        local = re.split(r"[+-]", text.strip(), maxsplit=1)[0]
        date, time = self.moment(local[:8], local[8:])
        return f"{date}{time}" if date and time else ""


def date_in(text: str) -> dt.date | None:
    """A DICOM date, or None when it is not one whole day."""
    match = _DATE.fullmatch(text.strip())
    try:
        return None if match is None else dt.date(*map(int, match.groups()))
    except ValueError:
        return None


def time_in(text: str) -> dt.timedelta | None:
    """A DICOM time of at least hours and minutes, or None."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    fraction = int((match[4] or "0").ljust(6, "0"))
    return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=fraction)


def _moved(day: dt.date, days: int) -> dt.date | None:
    try:
        return day + dt.timedelta(days=days)
    except OverflowError:
        return None


def _as_time(clock: dt.timedelta) -> str:
    moment = dt.datetime.min + clock
    return f"{moment:%H%M%S}" + (f".{moment.microsecond:06d}" if moment.microsecond else "")
