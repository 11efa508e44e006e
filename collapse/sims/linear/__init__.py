"""Not yet converted."""
