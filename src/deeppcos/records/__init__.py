"""The hospital's files and the public records: each adapter reads or writes clinical types."""
