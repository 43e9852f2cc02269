"""Writes of the catalogue: provider keys, the sender domain, and the mails that leave through it."""
