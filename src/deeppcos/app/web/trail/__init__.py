"""The audit trail as a page: filter, take along, verify."""
