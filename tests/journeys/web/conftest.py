"""A real ``deeppcos serve`` on an empty folder and a real Chromium, one of each for a module."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
START_SECONDS = 300.0


@dataclass(slots=True, kw_only=True)
class Desk:
    """A served installation that can be killed and started again."""

    home: Path
    port: int
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[str] | None" = None
    said: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def one_time_link(self) -> str:
        """What the terminal says to a new user."""
        [line] = [line for line in self.said if "works once" in line]
        [link] = re.findall(r"http://\S+", line)
        return str(link)

    def start(self) -> None:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("DEEPPCOS_")}
        command = [*(sys.executable, "-u", "-m", "deeppcos", "serve"), "--port", str(self.port)]
        log = self.home.with_suffix(".log")
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--home", str(self.home), *self.options],
                stdout=output, stderr=subprocess.STDOUT, text=True, env=kept,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.3)
        self.said = log.read_text().splitlines()

    def kill(self) -> None:
        """``kill -9`` of everything it runs, as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.address}/health/", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A new installation, served."""
    yield from _served(Desk(home=tmp_path_factory.mktemp("desk") / "home", port=_free_port()))


@pytest.fixture(scope="module")
def empty_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A new installation without the example, served."""
    home = tmp_path_factory.mktemp("empty") / "home"
    yield from _served(Desk(home=home, port=_free_port(), options=("--no-example",)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _served(desk: Desk) -> Iterator[Desk]:
    try:
        desk.start()
        yield desk
    finally:
        desk.kill()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium, one for the module."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import Error, sync_playwright

    starting = sync_playwright()
    try:
        playwright = starting.__enter__()
    except Error:
        pytest.skip("another test's Chromium is open in this process; run tests/journeys/web alone")
    try:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_OPTIONS))
        yield chromium
        chromium.close()
    finally:
        starting.__exit__(None, None, None)
