"""The desk's use cases without Django: states, marks, uploads, queues, the audit chain."""
