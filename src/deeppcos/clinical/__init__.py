"""The reasoning: what a gynaecologist would recognise, in plain Python and nothing else.

Charts and measurements in, findings with reasons out. This room answers published criteria; it
never diagnoses. It imports the standard library and ``deeppcos.errors`` only.
"""
