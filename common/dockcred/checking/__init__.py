"""What a client will really do with a file of credentials, told as `doctor` tells it.

auth       one `auth`, decoded as strictly as the strictest reader does
types      what Go's decoder wants of config.json
text       JSON and TOML read with what their readers pass over in silence
formats    the table of formats, loaded on use; each is one file below
"""
