"""The only thing special to campaigns: who is called next (design 6). The call itself is the same as any other."""
