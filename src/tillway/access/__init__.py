"""Who may do what, and the record of what was done: for now the signed audit chain."""

from tillway.access.audit import AuditFinding, AuditReader, AuditVerdict, check_audit
from tillway.access.checkpoints import AuditFiles, Checkpoint
from tillway.access.notary import Notary
from tillway.access.signing_key import read_public

__all__ = [
    "AuditFiles",
    "AuditFinding",
    "AuditReader",
    "AuditVerdict",
    "Checkpoint",
    "Notary",
    "check_audit",
    "read_public",
]
