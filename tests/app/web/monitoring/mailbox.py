"""A mail server on this machine that keeps what it is given, or says that it is full."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_django.fixtures import Settings


class Mailbox(socketserver.ThreadingTCPServer):
    """The server and what it took."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_full = False
        super().__init__(("127.0.0.1", 0), _Talk)


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box = self.server
        assert isinstance(box, Mailbox)
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode().strip().upper():
            if line == "DATA":
                self.wfile.write(b"354 go on\r\n")
                text = []
                while (row := self.rfile.readline().decode()) != ".\r\n":
                    text.append(row)
                box.taken.append("".join(text))
            refused = line.startswith("MAIL") and box.is_full
            self.wfile.write(b"452 full\r\n" if refused else b"250 ok\r\n")
            if line == "QUIT":
                return


@contextmanager
def mailbox_for(settings: Settings, *people: str) -> Iterator[Mailbox]:
    """Let the desk's mail to these people end in a box that is open while this is.

    Args:
        settings: Of the test.
        people: Addresses that alarms go to.
    """
    with Mailbox() as box:
        threading.Thread(target=box.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(box.server_address[1])
        settings.MAIL_ALARMS = people
        yield box
        box.shutdown()
