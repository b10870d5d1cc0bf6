"""The Secret Service of a desktop, and the D-Bus that is spoken to it.

No other store speaks D-Bus, and nothing outside knows of it.
"""
