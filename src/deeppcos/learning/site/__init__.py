"""A site's own candidate: what it learns from, training on from a release, the candidate.

``training_set`` builds and keeps the versioned set, ``fitness`` says whether it can teach,
``start`` keeps what was asked and the release begun from, ``training`` trains on and makes the
candidate. Who consented and what was settled is the desk's business, whether the candidate may be
served the gate's.
"""
