"""FHIR: a result as one transaction, and what a hospital knows as a chart.

Owns the border to FHIR, and nothing of what the numbers mean. ``fhir.resources`` (R4B, R5) is
used here and nowhere else (decision 0007); it comes with the ``records`` extra.

=====================  ===================================================================
module                 owns
=====================  ===================================================================
``parts``              the small pieces resources are made of, and checking them
``context``            what a result stands on: patient, imaging study, device
``observations``       one Observation for each measurement of an ovary, there and back
``result_bundle``      the whole transaction
``r5``                 the same in R5, with the frames behind each measurement
``exchange``           one request to a server, and what its answer means
``server``             handing a result over, and asking for a patient
``known_values``       laboratory results of a bundle, all of them and the one to use
``known_patient``      age, contraception, pregnancy
``reading``            a bundle as a chart, with where each value is from
=====================  ===================================================================
"""
