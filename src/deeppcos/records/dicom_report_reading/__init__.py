"""Structured reports of other makers, and our own again.

``numbers`` reads every number of a report with its side, site and group; ``ob_gyn`` makes of
them what a chart takes of each ovary.
"""

from deeppcos.records.dicom_report_reading.numbers import ReadNumber, ReadReport, read_report
from deeppcos.records.dicom_report_reading.ob_gyn import OvaryReport, ovaries_of

__all__ = ["OvaryReport", "ReadNumber", "ReadReport", "ovaries_of", "read_report"]
