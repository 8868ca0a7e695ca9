"""What POS products do differently: each dialect turns their trees into neutral records.

Surprising: dialects see masked trees only, so an operator is a pseudonym here already.
"""

from tillway.dialects.base import Dialect
from tillway.dialects.profiles import Profile
from tillway.dialects.registry import dialect_named, dialect_names

__all__ = ["Dialect", "Profile", "dialect_named", "dialect_names"]
