"""Asks the server in this container whether it can work; the exit status is the answer."""

import os
import sys
import urllib.request

PLACE = os.environ.get("DEEPPCOS_HEALTH_URL", "http://127.0.0.1:8000/health/")


def is_healthy(place: str, host: str) -> bool:
    """Whether the server answers 200 under one of its own names."""
    asked = urllib.request.Request(place, headers={"Host": host})
    try:
        with urllib.request.urlopen(asked, timeout=4) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    name = os.environ.get("DEEPPCOS_HOSTS", "localhost").split(",")[0].strip()
    sys.exit(0 if is_healthy(PLACE, name) else 1)
