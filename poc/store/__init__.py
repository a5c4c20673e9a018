"""What a hub keeps: the ``Store`` protocol and its drivers. Nothing here decides about content."""
