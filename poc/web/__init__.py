"""The hub's HTTP face: routes, request signatures, errors. What is done stands in ``poc.hub``."""
