"""Signing in and out, joining by a one-time link, how the pages look to one person."""
