"""The files for a server, checked as far as they can be without a container engine."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from deeppcos.app.web.environment import NAMES
from deeppcos.app.web.told import PREFIX

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(p for p in DEPLOY.rglob("*") if p.is_file() and p.name != "health.py")


def _health() -> ModuleType:
    spec = importlib.util.spec_from_file_location("health", DEPLOY / "health.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(DEPLOY).as_posix())
def test_every_variable_named_is_one_that_is_read(file: Path) -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", file.read_text(encoding="utf-8")))
    assert named <= {PREFIX + name for name in NAMES} | {"DEEPPCOS_NAME"}


@pytest.mark.parametrize("file", sorted(DEPLOY.rglob("Dockerfile")), ids=lambda p: p.parent.name)
def test_an_image_runs_without_root_and_installs_an_extra_that_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    users = re.findall(r"^USER (\S+)$", text, re.M)
    assert users
    assert users[-1] != "root"
    extras = re.findall(r"'\.\[([\w,]+)\]'", text)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert extras
    for extra in ",".join(extras).split(","):
        assert re.search(rf"^{extra} = \[", project, re.M), extra


def test_compose_waits_for_a_healthy_data_base_and_gives_no_secret_a_default() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    web = compose["services"]["web"]
    assert web["depends_on"]["database"]["condition"] == "service_healthy"
    assert compose["services"]["database"]["healthcheck"]
    secrets = [web["environment"]["DEEPPCOS_SECRET_KEY"]]
    secrets.append(compose["services"]["database"]["environment"]["POSTGRES_PASSWORD"])
    assert all(":?" in secret for secret in secrets), "a missing secret must stop the start"
    assert web["cap_drop"] == ["ALL"]
    assert web["ports"] == ["127.0.0.1:8000:8000"], "only the proxy reaches it"


def test_the_space_takes_no_uploads_and_says_research_use() -> None:
    assert "DEEPPCOS_UPLOADS=no" in (DEPLOY / "huggingface" / "Dockerfile").read_text(
        encoding="utf-8"
    )
    card = (DEPLOY / "huggingface" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---")[1])
    assert head["sdk"] == "docker"
    assert "Research use. Not a medical device." in card


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_reads_the_unit() -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(DEPLOY / "deeppcos.service")],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    complaints = [
        line
        for line in done.stderr.splitlines()
        if "deeppcos.service" in line and "is not executable" not in line
    ]
    assert complaints == []


@pytest.mark.slow
def test_the_container_command_starts_and_is_healthy(tmp_path: Path) -> None:
    """The image's own command, run outside a container, answers its own health check."""
    command = re.findall(
        r'^CMD \["deeppcos", (.+)\]$', (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.M
    )
    words = [word.strip(' "') for word in command[-1].split(",")]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [str(port) if word == "8000" else word for word in words]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    environment |= {"DEEPPCOS_HOME": str(tmp_path / "data"), "DEEPPCOS_HOSTS": "clinic.example"}
    server = subprocess.Popen(
        [sys.executable, "-m", "deeppcos", *words, "--no-example"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    place = f"http://127.0.0.1:{port}/health/"
    health = _health()
    try:
        deadline = time.monotonic() + 120
        while not health.is_healthy(place, "clinic.example"):
            assert server.poll() is None, server.stdout and server.stdout.read()
            assert time.monotonic() < deadline, "not healthy after two minutes"
            time.sleep(0.5)
        assert not health.is_healthy(place, "stranger.example"), "another name is not answered"
    finally:
        server.terminate()
        server.communicate(timeout=60)


def test_every_setting_stands_in_the_document_with_its_words() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name, words in NAMES.items():
        assert f"| `{PREFIX}{name}` | {words} |" in text
