"""What experiments with language models share, whatever their model."""
