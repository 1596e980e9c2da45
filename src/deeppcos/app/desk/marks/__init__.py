"""Marks on pictures: the machine's, the reader's, and every correction between them.

Owns what a mark is, how corrections are kept and undone, and what follows for counts and
measurements. No Django: storing and showing are the business of ``deeppcos.app.web.viewer``.
"""
