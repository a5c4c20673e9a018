"""The command line: one module per noun, loaded only when its noun is used.

Parses, calls the desk's engine and prints. Nothing here decides whether something is valid.
"""
