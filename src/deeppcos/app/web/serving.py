"""``deeppcos serve``: prepares, starts the worker and the web server, and ends both together.

Owns the processes of one computer. A hospital starts server and worker by itself (systemd,
containers); this is for a first look and for one clinic.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deeppcos.app.web import preparing


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        home: Data folder, or None for the environment's.
        with_example: Whether a new installation gets the example study.
    """

    host: str
    port: int
    home: Path | None
    with_example: bool


def run(serving: Serving, *, say: Callable[[str], object]) -> None:
    """Serve until interrupted.

    Args:
        serving: How.
        say: Tells the person at the terminal.

    Raises:
        InvalidInput: If the environment is wrong.
    """
    if serving.home is not None:
        os.environ["DEEPPCOS_HOME"] = str(serving.home.absolute())
    environment = preparing.set_up_django()
    link = preparing.prepare()
    if serving.with_example:
        say("writing the example study ...")
        preparing.add_example()
    address = f"http://{serving.host}:{serving.port}"
    if link is not None:
        say(f"sign in for the first time (this link works once): {address}{link}")
    say(f"data folder: {environment.home}")
    say(f"DeepPCOS is at {address}  Research use. Not a medical device. Ctrl+C ends it.")
    _serve(serving)


def _serve(serving: Serving) -> None:
    """The web server in this process, and its workers."""
    from gunicorn.app.base import BaseApplication

    from deeppcos.app.web.wsgi import application

    class Server(BaseApplication):  # type: ignore[misc]
        """gunicorn, configured here instead of by a file."""

        def load_config(self) -> None:
            """Two processes of four threads: pages stay quick while a file is uploaded."""
            self.cfg.set("bind", f"{serving.host}:{serving.port}")
            self.cfg.set("workers", 2)
            self.cfg.set("threads", 4)
            self.cfg.set("timeout", 120)
            self.cfg.set("loglevel", "warning")

        def load(self) -> object:
            """The application."""
            return application

    Server().run()
