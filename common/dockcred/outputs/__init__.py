"""The files of the clients: one module per format, text in and text out.

json_text, toml_text, whole_text  change one key of a text and keep all the rest
edit            the changes that a set-up makes, and taking them back
client_file     a text on disk: backup, record, atomic replacement, undo
"""
