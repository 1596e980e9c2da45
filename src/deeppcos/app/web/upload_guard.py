"""How much a request may carry: little everywhere, a study where studies are added.

Owns the limits before anything is read. What the files are is the business of
``deeppcos.app.desk.uploads``.
"""

from collections.abc import Callable
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

SMALL_BYTES = 12 * 1024**2
"""What a request may carry where no study is added: a form and a chart."""

_TAKES_STUDIES = "takes_studies"


def takes_studies(view: View) -> View:
    """Say that a view may be sent the files of a study."""
    setattr(view, _TAKES_STUDIES, True)
    return view


class UploadGuardMiddleware:
    """Give every request the limit of its view before its body is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; ``process_view`` sets the limit."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        """Put the guard before the handler that writes files."""
        if request.method != "POST":
            return
        largest = settings.LARGEST_UPLOAD_BYTES if hasattr(view, _TAKES_STUDIES) else SMALL_BYTES
        request.upload_handlers = [
            _Guard(request, largest),
            TemporaryFileUploadHandler(request),
        ]


class _Guard(FileUploadHandler):
    """Refuse a request that announces or carries too much."""

    def __init__(self, request: HttpRequest, largest_bytes: int) -> None:
        super().__init__(request)
        self.largest_bytes = largest_bytes
        self.received = 0

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],  # noqa: N803 (Django's name)
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Refuse before the first byte."""
        self._refuse_beyond(content_length)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Count, and pass on."""
        self.received += len(raw_data)
        self._refuse_beyond(self.received)
        return raw_data

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        """Leave the file to the next handler."""
        return None

    def _refuse_beyond(self, number: int) -> None:
        if number > self.largest_bytes:
            raise RequestDataTooBig(
                _(
                    "That is more than one upload may hold (%(limit)s). Send fewer files at once, "
                    "or ask your administrator for a larger limit."
                )
                % {"limit": size_words(self.largest_bytes)}
            )


def size_words(number: int) -> str:
    """A size in the largest fitting unit.

    Examples:
        >>> size_words(2_000_000_000), size_words(12_582_912)
        ('2 GB', '13 MB')
    """
    for factor, unit in ((10**9, "GB"), (10**6, "MB")):
        if number >= factor:
            return f"{number / factor:.0f} {unit}"
    return f"{number} B"
