"""Writing samples in the formats of other programs."""
