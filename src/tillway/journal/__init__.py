"""The durable log and its ledger: append, read, settle, ask. Backends stand side by side."""
