"""Keys of sites: each proves who it is by signing a number it has never seen.

Owns Ed25519 keys and their files. Proving the coordinator to a site is the business of TLS.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deeppcos.errors import InvalidInput

SUFFIX = ".pub"


def make_key(file: Path) -> Path:
    """Make the key of a site; the private part is readable by its owner only.

    Args:
        file: Private key; ``.pub`` beside it goes to the coordinator.

    Returns:
        The public file.

    Raises:
        InvalidInput: If there is a key already: replacing it would lock the site out.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInput(f"{file} is there already", remedy="name a new file") from None
    with os.fdopen(handle, "wb") as out:
        out.write(private)
    public = file.with_name(file.name + SUFFIX)
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return public


def sign(file: Path, words: str) -> str:
    """Sign with a site's private key; the signature in hexadecimal digits."""
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"{file} is no Ed25519 key", remedy="make one: deeppcos federate key")
    return key.sign(words.encode()).hex()


def refuse_forgery(folder: Path, *, site: str, words: str, signature: str) -> None:
    """Refuse a site that cannot prove who it is.

    Args:
        folder: Public keys, ``SITE.pub`` each.
        site: Who it says it is.
        words: What it had to sign.
        signature: Its answer.

    Raises:
        InvalidInput: If the site is not known, or the signature is not its own.
    """
    known = {file.stem: file for file in folder.glob(f"*{SUFFIX}")}
    if site not in known:
        raise InvalidInput(
            "a site that is not known",
            value=site[:80],
            accepted=", ".join(sorted(known)) or "none yet",
            remedy=f"put its public key into {folder}",
        )
    key = serialization.load_pem_public_key(known[site].read_bytes())
    try:
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError
        key.verify(bytes.fromhex(signature), words.encode())
    except (InvalidSignature, ValueError) as problem:
        raise InvalidInput(
            "a site could not prove who it is",
            value=site,
            accepted="a signature by the key in its .pub file",
            remedy="compare the key files of both sides",
        ) from problem
