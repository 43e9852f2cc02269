"""The sandbox: a voice engine without a phone network.

It speaks the same HTTP wire as a real engine, plays a scripted caller against the real assistant
configuration and says in every event that the call was simulated. It knows no Django and no database.
"""

VERSION = "1.0.0"
