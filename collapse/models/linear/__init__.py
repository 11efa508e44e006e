"""The linear regressor."""
