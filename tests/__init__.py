"""Tests that drive the real binary from outside, with the standard library alone."""
