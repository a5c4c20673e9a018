"""Calls that a program makes to addresses others gave: a guard over where they may go, and mail."""
