"""The hub's use cases: what it admits, relays and serves; decisions stand in ``poc.core``."""
