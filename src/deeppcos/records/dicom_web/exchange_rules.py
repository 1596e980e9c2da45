"""What is asked of DICOMweb servers, and which statuses mean "later". Needs no network library."""

TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504, 507})

SERVICES = (
    ("QIDO-RS", "GET /studies", "application/dicom+json"),
    (
        "WADO-RS",
        "GET /studies/UID",
        'multipart/related; type="application/dicom"; transfer-syntax=*',
    ),
    ("STOW-RS", "POST /studies", 'multipart/related; type="application/dicom"'),
)
