"""Time lines of one patient."""
