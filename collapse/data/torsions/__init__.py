"""Torsion angles of molecules: exact laws, shipped samples, and files of users."""
