"""dockcred: docker credential helpers for every registry, on one small core.

Importing this package imports nothing else: a cached `get` pays for what it uses. The
public names, `resolve`, `Policy` and `Credential`, are loaded when they are first used;
the errors are in `dockcred.errors`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.api.resolve import Policy as Policy
    from dockcred.api.resolve import resolve as resolve
    from dockcred.credential import Credential as Credential
else:
    # Hidden from type checkers: for them an unknown name must be an error.
    def __getattr__(name: str) -> object:
        """Load a public name on its first use."""
        if name not in __all__:
            raise AttributeError(f"module 'dockcred' has no attribute {name!r}")
        from dockcred.api import resolve as api  # noqa: PLC0415 - a helper's `get` needs none of it

        found = globals()[name] = getattr(api, name)
        return found


__all__ = ("Credential", "Policy", "resolve")
