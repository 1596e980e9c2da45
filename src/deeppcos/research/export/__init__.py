"""Research tables in the forms others read. Rows come de-identified; nothing is hidden here.

Owns OMOP-style tables and COCO outlines. FHIR is the business of ``records`` by way of ``app``.
"""
