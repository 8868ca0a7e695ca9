"""A seeded chain of shops with faults, the truth about it, and a stand-in ERP to receive it."""
