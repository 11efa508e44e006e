"""Small models for which accumulated data are not safe, or hardly matter."""
