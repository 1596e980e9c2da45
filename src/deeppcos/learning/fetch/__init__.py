"""Bringing public data sets: catalogue, download with resume, checksums, unpacking, one layout.

Needs the ``data`` extra (requests, and Kaggle's bindings for Kaggle). Reading what was brought is
the business of ``deeppcos.learning.sources``, judging it that of ``deeppcos.learning.audit``.
"""
