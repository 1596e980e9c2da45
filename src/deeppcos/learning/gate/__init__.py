"""May a candidate take the place of the current release?

``plan`` says beforehand what is asked, ``frozen`` keeps the pictures that training can never touch,
``leakage`` looks for training pictures among them, ``comparison`` measures both releases on the
same draws of patients, ``checks`` answers every question, ``report`` writes it down. Promoting is
the business of ``deeppcos.app.releases``.
"""
