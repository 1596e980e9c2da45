"""DICOM over HTTP: search (QIDO-RS), fetch (WADO-RS) and store (STOW-RS).

Needs requests (the records extra) when called, not when imported. Why not dicomweb-client:
decision 0016.
"""

from deeppcos.records.dicom_web.fetching import fetch_study
from deeppcos.records.dicom_web.peer import DicomWebPeer
from deeppcos.records.dicom_web.searching import FoundStudy, search_studies
from deeppcos.records.dicom_web.storing import stow

__all__ = ["DicomWebPeer", "FoundStudy", "fetch_study", "search_studies", "stow"]
