"""Launched from the hospital's record, or asking it: a patient's chart is filled in from there.

Owns the pages of SMART on FHIR. The protocol is in ``deeppcos.records.fhir.smart``; how a form is
filled in and what somebody must choose, in ``studies``. A token is used once and never kept.
"""
