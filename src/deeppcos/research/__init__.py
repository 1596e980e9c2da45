"""Insight from many cases: one documented table, cohorts, figures, release of counts.

Owns everything that looks at many women at once. It reads assessment documents as plain data and
charts as clinical types; files, DICOM and FHIR are the business of ``records``, and the doors
that of ``app``.
"""
