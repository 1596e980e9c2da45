"""Encrypted associations, with and without certificates of the callers."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network import echo, store
from deeppcos.records.tls import TlsFiles

Listen = Callable[..., Any]


def test_a_store_over_tls_is_kept(
    listen: Listen, images: Callable[..., list[Path]], certificates: Any
) -> None:
    with listen(tls=certificates.server) as here:
        (outcome,) = store(images(), peer=replace(here.peer, tls=certificates.client))
        assert outcome.state == "stored"
        assert len(here.inbox.instances()) == 1


def test_a_caller_without_certificate_is_refused_where_one_is_asked_for(
    listen: Listen, certificates: Any
) -> None:
    nameless = TlsFiles(ca_file=certificates.ca)
    asking = replace(certificates.server, ca_file=certificates.ca)
    with listen(tls=asking) as here:
        with pytest.raises((InvalidInput, TemporaryFailure)):
            echo(replace(here.peer, tls=nameless))
        echo(replace(here.peer, tls=certificates.client))


def test_a_listener_of_another_authority_is_not_trusted(listen: Listen, certificates: Any) -> None:
    with (
        listen(tls=certificates.server) as here,
        pytest.raises(InvalidInput, match="do not agree on TLS"),
    ):
        echo(replace(here.peer, tls=TlsFiles(ca_file=certificates.other_ca)))


def test_a_plain_call_to_an_encrypted_listener_fails(listen: Listen, certificates: Any) -> None:
    with listen(tls=certificates.server, unit_s=1) as here, pytest.raises(TemporaryFailure):
        echo(replace(here.peer, timeout_s=3))


def test_old_versions_are_not_spoken(certificates: Any) -> None:
    for context in (certificates.server.server_context(), certificates.client.client_context()):
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert certificates.client.client_context().check_hostname


def test_a_server_without_certificate_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has no certificate"):
        TlsFiles().server_context()


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"wrong\.pem"):
        TlsFiles(ca_file=wrong).client_context()
    with pytest.raises(InvalidInput, match=r"wrong\.pem"):
        TlsFiles(certificate_file=wrong).server_context()
    with pytest.raises(InvalidInput, match=r"absent\.pem"):
        TlsFiles(ca_file=tmp_path / "absent.pem").client_context()
