"""The demo: a whole registry with 22 States, its desks and one exercise, on one machine."""
