"""Programs with tokens: a client that sends one, and tokens of people and scopes."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pytest
from django.test import Client

from deeppcos.app.web.api.scopes import Scope, scopes_for
from deeppcos.app.web.api.tokens.making import make_token
from deeppcos.app.web.models import ApiToken, Role, Site, User
from deeppcos.app.web.models.tokens import token_hash

V1 = "/api/v1"


class TokenFor(Protocol):
    def __call__(self, user: User, *, scopes: Iterable[str] | None = None) -> str: ...


@pytest.fixture
def token_for(site: Site) -> TokenFor:
    """The secret of a token at ``site``, with every scope its owner may have unless named."""

    def made(user: User, *, scopes: Iterable[str] | None = None) -> str:
        wanted = scopes_for(user, site) if scopes is None else list(scopes)
        return make_token(user, site=site, name="a program", scopes=wanted, days=5)

    return made


class Program:
    """What a program with a token says and hears."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})
        self.client.raise_request_exception = False

    def get(self, address: str, **query: Any) -> Any:
        return self.client.get(V1 + address, query)

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", address, body, headers)

    def put(self, address: str, body: Any, **headers: str) -> Any:
        return self._send("put", address, body, headers)

    def delete(self, address: str) -> Any:
        return self.client.delete(V1 + address)

    def send_files(self, address: str, *files: Any) -> Any:
        return self.client.post(V1 + address, {"files": list(files)})

    def _send(self, method: str, address: str, body: Any, headers: dict[str, str]) -> Any:
        send = getattr(self.client, method)
        if body is None:
            return send(V1 + address, headers=headers)
        return send(V1 + address, body, content_type="application/json", headers=headers)

    @property
    def token(self) -> ApiToken:
        return ApiToken.objects.get(secret_sha256=token_hash(self.secret))


ProgramOf = Callable[..., Program]


@pytest.fixture
def program_of(token_for: TokenFor) -> ProgramOf:
    def made(user: User, *scopes: Scope | str) -> Program:
        return Program(token_for(user, scopes=scopes or None))

    return made


@pytest.fixture
def program(program_of: ProgramOf, clinician: User) -> Program:
    """A program of a clinician with every scope she may give it."""
    return program_of(clinician)


@pytest.fixture
def auditor(program_of: ProgramOf, make_user: Callable[..., User]) -> Program:
    return program_of(make_user("audrey", Role.ADMINISTRATOR))
