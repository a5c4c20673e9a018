"""The part that decides: pure functions and values.

Nothing here touches the network, a disk, the clock, a random source or an event loop; all of
them come in as arguments. What verifies a signature, a proof, a right or a state change is here.
"""
