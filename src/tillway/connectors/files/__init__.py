"""Files in both directions: a watched folder, and files written under their final name at once."""

from tillway.connectors.files.registration import REGISTRATION

__all__ = ["REGISTRATION"]
