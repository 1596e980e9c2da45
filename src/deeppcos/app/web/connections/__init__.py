"""The hospital at the desk: what arrives, what is sent, and where each stands."""
