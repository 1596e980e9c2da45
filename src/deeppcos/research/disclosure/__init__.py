"""What may be shown of counts: nothing from which fewer than ten women could be told apart.

Owns suppression, its complement, the audit against earlier releases, and noise.
"""
