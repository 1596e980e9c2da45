"""Who we are to an authorisation server: a name, and a secret or a key of our own.

Owns the key and the assertion signed with it (RFC 7523). The private key never leaves its file.
"""

import json
import time
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput

ASSERTION_SECONDS = 240
"""SMART allows an assertion five minutes at most; the clocks of two machines differ."""

ALGORITHMS = {"RSA": "RS384", "EC": "ES384"}
"""What SMART's backend services sign with, by the type of key."""

LARGEST_KEY_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A private key: RSA of 2048 bits or more, or EC on P-384.

    Attributes:
        file: The key, PEM or JWK, without a password.
    """

    file: Path

    @cached_property
    def key(self) -> Any:
        """The key, as joserfc holds it.

        Raises:
            InvalidInput: If the file is missing, no private key, or too weak.
        """
        from joserfc.errors import JoseError, SecurityWarning
        from joserfc.jwk import ECKey, RSAKey

        try:
            content = self.file.read_bytes()[:LARGEST_KEY_BYTES]
        except OSError as error:
            raise _no_key(self.file, str(error)) from error
        for kind in (RSAKey, ECKey):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", SecurityWarning)
                    key = kind.import_key(_as_given(content))
            except SecurityWarning as weak:
                raise _no_key(self.file, str(weak)) from weak
            except (JoseError, ValueError, TypeError, KeyError):
                continue
            _refuse_weak(self.file, key)
            return key
        raise _no_key(self.file, "neither RSA nor EC")

    @property
    def algorithm(self) -> str:
        """RS384 or ES384."""
        return ALGORITHMS[self.key.key_type]

    @property
    def key_id(self) -> str:
        """The key's thumbprint (RFC 7638), by which a server finds it among several."""
        return str(self.key.thumbprint())

    def public_keys(self) -> dict[str, Any]:
        """The JWKS to register at the server: public parts only."""
        public = self.key.as_dict(private=False)
        extra = {"kid": self.key_id, "use": "sig", "alg": self.algorithm}
        return {"keys": [{**public, **extra}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartClient:
    """What the server knows us by. Give a key or a secret, or neither (a public client).

    Attributes:
        client_id: Our name there.
        key: Our key.
        secret: Our password there.
    """

    client_id: str
    key: SigningKey | None = None
    secret: str = ""


def session_of(
    client: SmartClient, *, token_endpoint: str, ca_file: Path | None, **more: Any
) -> Any:
    """A session of Authlib that shows who we are; for one token, since an assertion counts once.

    Args:
        client: Who we are.
        token_endpoint: For whom the assertion is meant.
        ca_file: Authorities of the server's certificate; None trusts the system's.
        more: Further settings of the session.
    """
    from authlib.integrations.requests_client import OAuth2Session
    from authlib.oauth2.rfc7523 import PrivateKeyJWT

    method = "none"
    if client.key is not None:
        method = "private_key_jwt"
    elif client.secret:
        method = "client_secret_basic"
    session = OAuth2Session(
        client.client_id,
        client.key.key if client.key is not None else client.secret or None,
        token_endpoint_auth_method=method,
        **more,
    )
    if client.key is not None:
        session.register_client_auth_method(
            PrivateKeyJWT(
                token_endpoint,
                claims={"exp": int(time.time()) + ASSERTION_SECONDS},
                headers={"kid": client.key.key_id, "typ": "JWT"},
                alg=client.key.algorithm,
            )
        )
    session.verify = str(ca_file) if ca_file is not None else True
    session.max_redirects = 0
    session.trust_env = False
    return session


def _as_given(content: bytes) -> Any:
    """A JWK as an object, PEM as bytes."""
    return json.loads(content) if content.lstrip().startswith(b"{") else content


def _refuse_weak(file: Path, key: Any) -> None:
    """A public key, or one of another curve; short RSA keys are refused when they are read."""
    if not key.is_private:
        raise _no_key(file, "a public key")
    curve = key.as_dict(private=False).get("crv", "P-384")
    if curve != "P-384":
        raise _no_key(file, curve)


def _no_key(file: Path, value: str) -> InvalidInput:
    return InvalidInput(
        f"{file} is no key to sign with",
        value=value,
        accepted="a private key, RSA of 2048 bits or EC on P-384, PEM or JWK, without a password",
        remedy="make one: openssl genrsa -out key.pem 3072",
    )
