"""The worker: does what the queue holds, and takes over what dead workers left.

Owns nothing but the loop around django-tasks' own worker.
"""

import logging
import threading
from types import FrameType
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django_tasks_db.management.commands.db_worker import Worker

from deeppcos.app.web.jobs import ENDING, take_over_lost

LOOK_SECONDS = 10.0
LOG = logging.getLogger("deeppcos.jobs")


class EndingWorker(Worker):
    """A worker that tells the job at hand that it was asked to end."""

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Say so, then end as the package does."""
        ENDING.set()
        super().shutdown(signum, frame)


class Command(BaseCommand):
    """``python -m deeppcos.app.web work``."""

    help = "Do background work until stopped"

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM; the job at hand is finished first, or stops where it can go on."""
        worker = EndingWorker(
            queue_names=["default"],
            interval=0.5,
            batch=False,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=uuid4().hex,
            excluded_queue_names=[],
        )
        worker.configure_signals()
        threading.Thread(target=_keep_looking, daemon=True).start()
        worker.run()


def _keep_looking() -> None:
    """Look for lost jobs now and then, even while this worker is busy."""
    wait = threading.Event()
    while True:
        close_old_connections()
        try:
            take_over_lost()
        except Exception:  # The data base may be away for a moment; the next look will tell.
            LOG.exception("could not look for lost jobs")
        wait.wait(LOOK_SECONDS)
