"""The character-level language model."""
