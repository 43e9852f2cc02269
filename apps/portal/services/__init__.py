"""Writes of the portal: an agency over its clients, and the demo workspace."""
