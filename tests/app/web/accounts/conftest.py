"""A real provider of identities in node, started by the tests that need one."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

PACKAGE = "oidc-provider@8.8.1"
SECRET = "a secret between the two of them"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider."""

    issuer: str


@pytest.fixture(scope="session")
def provider_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the provider's package, fetched once; skips where that cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed (Debian: apt install nodejs npm)")
    folder = tmp_path_factory.mktemp("provider")
    fetched = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
        cwd=folder, capture_output=True, encoding="utf-8", timeout=200, check=False,
    )  # fmt: skip
    if fetched.returncode != 0:
        pytest.skip(f"npm cannot fetch {PACKAGE} here")
    return folder


@pytest.fixture
def provider(
    provider_modules: Path, live_server: LiveServer, settings: Settings
) -> Iterator[Provider]:
    """The provider, and an application that trusts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    issuer = f"http://localhost:{port}"
    environment = os.environ | {
        "MODULES": str(provider_modules),
        "PORT": str(port),
        "REDIRECT": f"{live_server.url}/accounts/hospital/answer/",
        "CLIENT_SECRET": SECRET,
    }
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = issuer, "deeppcos"
    settings.OIDC_CLIENT_SECRET = SECRET
    settings.OIDC_NAME = "Riverside Hospital"
    settings.OIDC_GROUPS_CLAIM = "groups"
    settings.OIDC_ROLES = (("gyn-doctors", "clinician", "riverside"),)
    process = subprocess.Popen(
        ["node", "--no-warnings", str(HERE / "provider" / "server.mjs")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        while line and line.strip() != "ready":
            line = process.stdout.readline()
        assert line.strip() == "ready"
        yield Provider(issuer)
    finally:
        process.kill()
        process.communicate()
