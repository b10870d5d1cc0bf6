"""The manual pages, made from what the programs say of themselves.

pages          every page by its file name
command_page   `dockcred` and its subcommands, from click's own texts
helper_page    the helpers, from their modules and the tables of variables
roff           the language of manual pages
"""
