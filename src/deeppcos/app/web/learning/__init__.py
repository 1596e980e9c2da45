"""Learning from clinicians on the desk: readings gathered, settled, exported; releases moved.

Owns requests and rows. What agreement, consensus and expected gain are is the business of
``deeppcos.learning.feedback``, when a release may be served that of ``deeppcos.app.releases``.
"""
