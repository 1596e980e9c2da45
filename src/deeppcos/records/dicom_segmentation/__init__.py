"""DICOM Segmentation objects of stills, sweeps and volumes, written and read back.

``writing`` makes the object, ``frame_table`` its table of frames, ``reading`` the masks again.
Why not highdicom alone: decision 0012.
"""

from deeppcos.records.dicom_segmentation.reading import ReadSegment, read_segmentation
from deeppcos.records.dicom_segmentation.writing import SliceMm, segmentation_of, segmentations

__all__ = ["ReadSegment", "SliceMm", "read_segmentation", "segmentation_of", "segmentations"]
