"""A town's key pair for web push (RFC 8292): P-256, private half as 32 bytes."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def new_key_pair() -> tuple[bytes, str]:
    """Private number (32 bytes) and public point (base64url, uncompressed, unpadded)."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return private, base64.urlsafe_b64encode(point).rstrip(b"=").decode()
