"""The demo workspace's content: hand-written data, no database code.

`content` reads it; whoever builds the workspace inserts it.
"""
