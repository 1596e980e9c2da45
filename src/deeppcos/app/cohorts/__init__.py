"""Cohorts for the doors: what becomes a research table, and how a report looks.

Owns bringing together rooms that do not know each other: documents and charts from ``records``,
clinical tables from ``learning``, tables and figures from ``research``.
"""
