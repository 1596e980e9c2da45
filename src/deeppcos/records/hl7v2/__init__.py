"""HL7 v2: results out and laboratory results in, as ORU^R01 messages.

Owns the border to HL7 v2, through the ``hl7`` package (python-hl7, BSD), which comes with the
``records`` extra. Listening and sending (MLLP) are not here.
"""
