"""DICOM Structured Reports of an assessment.

``measurements`` writes TID 1500, one group an ovary and one an outline; ``ob_gyn`` writes TID
5000, the report gynaecological systems already read; ``content_items`` holds what both are made
of. Reading other makers' reports is the business of ``dicom_report_reading``.
"""

from deeppcos.records.dicom_report.measurements import measurement_report
from deeppcos.records.dicom_report.ob_gyn import ob_gyn_report

__all__ = ["measurement_report", "ob_gyn_report"]
