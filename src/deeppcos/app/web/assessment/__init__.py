"""What follows for one study: criteria, severity, considerations, comparisons."""
