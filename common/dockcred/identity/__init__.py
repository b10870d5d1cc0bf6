"""Who asks: providers made into stores, their cache, and the router over them.

What only one cloud knows is in providers; what clients keep is in clients.
"""
