"""Making and revoking tokens of the API: pages of one's account."""
