"""config.toml: which identity serves which registry.

pattern   a glob over a host's labels, with a path prefix, and how it is weighed
settings  what an entry may say, and the variable that says the same
load      one file, and what is refused in it
compiled  the files in their order, and the plain copy of them that a `get` reads
"""
