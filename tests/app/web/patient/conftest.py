"""A signed report, made as the sign-off would make it."""

from typing import Any

import pytest
from django.utils import timezone

from deeppcos.app.web.models import Assessment, SignedReport, Study, User


def signed_report(
    study: Study, assessment: Assessment, signer: User, *, number: int = 1, **changes: Any
) -> SignedReport:
    now = timezone.now()
    document = {
        **assessment.document,
        "signature": {"name": "Dr Ada", "role": "gynaecologist", "signed": now.isoformat()},
        "measurements": {
            "left": {"fnps": {"value": 7, "low": 5, "high": 9}, "volume_ml": {"value": 6.2}},
            "right": {"tracked_estimate": {"value": 1}, "volume_ml": {}},
            "side_unknown": None,
        },
        **changes,
    }
    return SignedReport.objects.create(
        study=study,
        number=number,
        assessment=assessment,
        document=document,
        signer=signer,
        signer_name="Dr Ada",
        signer_role="gynaecologist",
        signed_at=now,
        json_sha256="0" * 64,
        html_sha256="0" * 64,
        pdf_sha256="0" * 64,
    )


@pytest.fixture
def report(analysed_study: Study, assessment: Assessment, clinician: User) -> SignedReport:
    return signed_report(analysed_study, assessment, clinician)
