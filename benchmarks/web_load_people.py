"""What fifty people at the desk do, for locust; ``web_load.py`` starts it.

Everybody is signed in from the start, and reads for one to five seconds between two pages.
"""

# mypy: disable-error-code="untyped-decorator,misc"
# Locust lives in an environment of its own, so that its types are not known here.

import itertools
import json
import os
from pathlib import Path

from locust import HttpUser, between, task

GIVEN = json.loads(Path(os.environ["DEEPPCOS_LOAD"]).read_text(encoding="utf-8"))
SESSIONS = itertools.cycle(GIVEN["sessions"])
STUDY = f"/studies/{GIVEN['study']}/"
PICTURE = f"{STUDY}viewer/pictures/{GIVEN['image']}/"


class Clinician(HttpUser):
    """Somebody who works through the list and looks at one study."""

    wait_time = between(1, 5)

    def on_start(self) -> None:
        self.client.cookies.set("sessionid", next(SESSIONS))

    def ask(self, name: str, address: str) -> None:
        """Ask, and count anything but the page itself as an error."""
        options = {"name": name, "allow_redirects": False, "catch_response": True}
        with self.client.get(address, **options) as answer:
            if answer.status_code != 200:
                answer.failure(f"answered {answer.status_code}")

    @task(4)
    def worklist(self) -> None:
        self.ask("worklist", "/")

    @task(2)
    def search(self) -> None:
        self.ask("worklist, search", "/?q=demir+ada")

    @task(2)
    def study(self) -> None:
        self.ask("study", STUDY)

    @task(2)
    def assessment(self) -> None:
        self.ask("assessment", f"{STUDY}assessment/")

    @task(2)
    def viewer(self) -> None:
        self.ask("viewer", f"{STUDY}viewer/")
        self.ask("viewer, manifest", f"{STUDY}viewer/manifest.json")
        self.ask("viewer, marks", f"{PICTURE}marks.json")
        self.ask("viewer, picture", f"{PICTURE}frames/0.png")
