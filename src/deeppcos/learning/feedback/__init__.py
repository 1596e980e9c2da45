"""What readers say, made safe to learn from: agreement, consensus, drift, and what to read next.

Owns readings as ``deeppcos.reviewed/1`` holds them. Where they are stored is the business of the
web application, what is trained on them that of ``train``, and whether the result is served that
of ``gate``. Neither torch nor Django.
"""
