"""HL7 v2: results out; orders, laboratory results and changes of patients in; MLLP both ways.

Owns the border to HL7 v2, through the ``hl7`` package (python-hl7, BSD), which comes with the
``records`` extra.

====================  ===================================================================
module                owns
====================  ===================================================================
``mllp``              messages on the wire, both ways
``header``            what MSH says, even of a message that cannot be read
``text``              character sets, segments, fields, escapes
``problems``          what is wrong with a message, and where in it
``site``              how one hospital writes its messages, as data
``messages``          what a message means: the one road in
``people``            numbers of patients
``lab_message``       laboratory results
``orders``            orders
``patient_changes``   corrections and merges
``batch``             batches and files of messages
``acknowledgement``   what is answered, and what an answer says
``answering``         read, keep, then acknowledge; explaining what was refused
``result_message``    a result as ORU^R01
====================  ===================================================================
"""
