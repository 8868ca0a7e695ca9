"""Secrets, API keys and signatures; masking of card and personal data lives in `masking`."""

from tillway.security.keys import key_digest, key_matches, new_api_key
from tillway.security.secrets import Secret, SecretResolver, secret_names
from tillway.security.signatures import SignatureRule, signature_of, signature_stands

__all__ = [
    "Secret",
    "SecretResolver",
    "SignatureRule",
    "key_digest",
    "key_matches",
    "new_api_key",
    "secret_names",
    "signature_of",
    "signature_stands",
]
