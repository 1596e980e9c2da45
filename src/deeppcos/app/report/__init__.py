"""Renders the public assessment document: HTML, PDF, terminal text and overlay pictures.

Everything here takes the document and, where pictures are shown, a mapping from
(source, frame) to pixels. Nothing here reads files or decides anything clinical.
"""
