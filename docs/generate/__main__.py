"""Write the pages that are generated from the code: `make docs`.

    python docs/generate [--check]

With --check nothing is written; the exit status is 1 if a page is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parents[1]
# The reasons why a variable is ignored are in tests/support/ignored_variables.py.
sys.path.append(str(DOCS.parent / "tests"))

import comparison  # noqa: E402
import errors_page  # noqa: E402
import python_page  # noqa: E402
import variables_page  # noqa: E402

PAGES = {
    "errors.md": errors_page.page,
    "python.md": python_page.page,
    "variables.md": variables_page.page,
    "../README.md": comparison.readme,
}


def main() -> int:
    """Write each page; with --check print the stale ones instead, and return 1."""
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        sys.stderr.write(f"stale: {', '.join(stale)}; run make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
