"""The hub's use cases: admit, relay, serve. HTTP is in ``poc.web``, decisions in ``poc.core``."""
