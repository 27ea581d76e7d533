"""Runs the commands of the documentation against a real server."""
