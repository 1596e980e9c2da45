"""The kinds of DICOM object that are sent, by their UIDs, with the words people use for them.

Owns the table: the test of a connection and the conformance statement are made from it.
"""

SENT_CLASSES: dict[str, str] = {
    "1.2.840.10008.5.1.4.1.1.6.1": "ultrasound images",
    "1.2.840.10008.5.1.4.1.1.3.1": "ultrasound cines",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentations",
    "1.2.840.10008.5.1.4.1.1.88.33": "structured reports",
    "1.2.840.10008.5.1.4.1.1.104.1": "PDF reports",
    "1.2.840.10008.5.1.4.1.1.7": "pictures with outlines",
    "1.2.840.10008.5.1.4.1.1.88.59": "key objects",
}
"""SOP Class UID, and its words."""
