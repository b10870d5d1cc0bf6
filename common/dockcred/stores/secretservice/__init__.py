"""The store in a desktop's Secret Service, and our code for D-Bus.

No other store uses D-Bus, and no code outside this package depends on it.

store   the store: reads with our own D-Bus code, writes with jeepney
items   read, unlock and write items with jeepney
bus     calls to the Secret Service with jeepney
stream  our own D-Bus connection
wire    D-Bus messages as bytes
names   names on the bus, the bus's address, and errors
"""
