"""Pictures of figures: the same numbers as their tables, nothing more.

Owns shapes and layout. Colours come from whoever asks.
"""
