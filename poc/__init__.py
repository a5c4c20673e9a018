"""A verified registry of national cyber points of contact and a channel for sealed messages."""
