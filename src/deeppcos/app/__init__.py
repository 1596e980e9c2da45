"""The doors: use cases, command line and reports."""
