"""Cohorts in the desk: build, release, look at, export."""
