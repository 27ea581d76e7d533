"""Faults around the real server: its disk, its log, its descriptors, the end of its parts, and stops in the middle of work."""
