"""An audit before any number: copies, leaks and shortcuts in a data set.

Needs numpy, OpenCV and Pillow only; workbooks (.xlsx) need the ``audit`` extra.
"""

from deeppcos.learning.audit.findings import Finding, Share, Weight
from deeppcos.learning.audit.picture_table import ColumnChoice
from deeppcos.learning.audit.report import AuditReport, as_document, audit_dataset, split_file

__all__ = [
    "AuditReport",
    "ColumnChoice",
    "Finding",
    "Share",
    "Weight",
    "as_document",
    "audit_dataset",
    "split_file",
]
