"""Clinical tables to a calibrated research estimate, by what was measured, honestly measured.

Owns reading tables with their dirt, honest folds, comparators, the small additive model that is
shipped, and the report. It never answers the criteria: that is ``deeppcos.clinical``'s business,
and every estimate stands below that answer. Heavy libraries belong to the risk extra and are
imported inside the functions that need them; serving needs numpy alone.
"""
