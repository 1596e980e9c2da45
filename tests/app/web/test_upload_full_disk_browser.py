"""A disk that fills up while somebody sends files, in the browser: said in words, nothing lost."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from django.urls import reverse
from tests.app.web.conftest import SignIn

from deeppcos.app.web.models import Study, User

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def picture(path: Path, seed: int) -> str:
    noise = np.random.default_rng(seed).integers(0, 90, (48, 64), dtype=np.uint8)
    assert cv2.imwrite(str(path), noise)
    return str(path)


def test_what_is_kept_stays_and_the_rest_is_sent_when_there_is_room_again(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, clinician: User,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    real, written = os.fsync, 0

    def fills_up(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written > 2:  # the first file and its folder still fit
            raise OSError(28, "No space left on device")
        real(descriptor)

    sign_in(page, clinician)
    page.goto(live_server.url + reverse("studies:new"))
    page.get_by_label("Patient identifier").fill("MRN-9")
    files = [picture(tmp_path / f"{name}.png", seed) for seed, name in enumerate("ab")]
    page.set_input_files("#files", files)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills_up)
        page.get_by_role("button", name="Begin study").click()
        page.get_by_text("disk is full").wait_for()
        said = page.locator("[data-words]").inner_text()
        assert "what was acknowledged before is safe" in said
        assert page.locator("[data-list] .is").all_inner_texts() == ["kept", "waiting"]
    study = Study.objects.get()
    assert [image.name for image in study.images.all()] == ["a.png"]
    page.get_by_role("button", name="Send the rest").click()
    page.wait_for_url(f"**/studies/{study.pk}/")
    page.get_by_role("heading", name="Waiting to be read").wait_for()
    assert [image.name for image in study.images.all()] == ["a.png", "b.png"]
    assert all(image.original.exists() for image in study.images.all())
