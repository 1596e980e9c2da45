"""Many files, each for itself: an archive read in shards that survive a killed worker.

Owns the plan, the shards and the engines they run on. One patient's study with its chart is the
business of ``workflow``.
"""
