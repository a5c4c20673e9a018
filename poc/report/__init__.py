"""What is printed: pages for people as PDF, the same bytes for the same input. Nothing here reads a home."""
