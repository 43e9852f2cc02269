"""Calls: reserve, dial, record; what engines tell us; what customers are told; what it cost.

One file per noun. Others import from here what they call.
"""
