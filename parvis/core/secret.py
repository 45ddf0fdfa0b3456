"""Secrets at rest, enciphered with a key derived from the instance's own secret."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def key(purpose: str) -> bytes:
    """32 bytes that this instance alone knows, for one purpose."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"parvis:" + purpose.encode(), hashlib.sha256)


def _cipher(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key(purpose)))


def encipher(purpose: str, plain: bytes) -> bytes:
    """Bytes that only this instance can read back, for one purpose."""
    return _cipher(purpose).encrypt(plain)


def decipher(purpose: str, secret: bytes) -> bytes:
    """Read back what `encipher` wrote, or raise ValueError."""
    try:
        return _cipher(purpose).decrypt(bytes(secret))
    except InvalidToken as error:
        raise ValueError("enciphered with another key") from error


def digest(value: str) -> str:
    """Hash of a random token, to store in its place."""
    return hashlib.sha256(value.encode()).hexdigest()
