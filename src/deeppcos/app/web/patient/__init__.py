"""The patient's page: released by a clinician after signature, by a link that expires."""
