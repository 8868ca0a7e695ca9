"""The stage of `tillway dev`: hub, stand-in ERP and a chain of stores, with buttons to break it."""
