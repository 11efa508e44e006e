"""Verifiers of generated rows: operators by name, and the curators they make."""
