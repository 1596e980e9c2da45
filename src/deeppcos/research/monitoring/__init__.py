"""Has anything changed since a window that somebody named and froze?

``signals`` says what is watched, ``ranks`` compares each new woman with everybody before her,
``betting`` turns ranks into evidence that may be looked at after every woman, ``window`` is the
frozen reference, ``watch`` joins them, ``subgroups`` says for whom the machine does how well, and
``trials`` measures false alarms and delays by simulation. No Django: mails, pages and rows are the
business of ``deeppcos.app.web.monitoring``.
"""
