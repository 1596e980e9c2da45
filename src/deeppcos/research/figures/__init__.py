"""Figures of a cohort: tables of numbers with a question, drawn elsewhere.

Owns what is counted and measured. Every number a picture shows stands in its table.
"""
