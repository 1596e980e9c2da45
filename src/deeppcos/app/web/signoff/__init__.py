"""From draft to signed report, and amendments."""
