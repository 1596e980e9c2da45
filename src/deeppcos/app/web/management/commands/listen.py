"""The connections' own process: listens, takes in, sends.

Owns nothing but signals around ``deeppcos.app.web.connections.working``.
"""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from deeppcos.app.web.connections.working import work


class Command(BaseCommand):
    """``python -m deeppcos.app.web listen``."""

    help = "Receive, take in and send, as connections.toml says, until stopped"

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or SIGINT."""
        over = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            over.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        work(say=lambda words: self.stdout.write(words, ending="\n"), is_over=over.is_set)
