"""Small versions of az, azd and pwsh: each gets a token for its login.

Run by path, with the standard library only:
    programs.py NAME ENTRA-URL ARGUMENT...
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
LOGINS = {"az": ".azure", "azd": ".azd", "pwsh": ".Azure"}
PLEASE = {
    "az": "ERROR: Please run 'az login' to setup account.",
    "azd": "ERROR: not logged in, run `azd auth login` to login",
    "pwsh": "Run Connect-AzAccount to login.",
}


def main(name: str, entra: str, arguments: list[str]) -> int:
    """Print a token in the program's own format; return its exit status."""
    login = Path(os.environ["HOME"]) / LOGINS[name] / "sandbox-login.json"
    if name == "az" and (own := os.environ.get("AZURE_CONFIG_DIR")):
        login = Path(own) / "sandbox-login.json"
    if not login.exists():
        sys.stderr.write(PLEASE[name] + "\n")
        return 1
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "scope": f"{_resource(name, arguments)}/.default",
        "refresh_token": json.loads(login.read_text())["refresh_token"],
    }
    body = urllib.parse.urlencode(form).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"{entra}/{_tenant(name, arguments)}/oauth2/v2.0/token"
    try:
        with opener.open(url, body, timeout=5) as answer:
            fields = json.load(answer)
    except urllib.error.HTTPError as error:
        sys.stderr.write(json.load(error)["error_description"] + "\n")
        return 1
    _print(name, fields["access_token"], int(time.time()) + fields["expires_in"])
    return 0


def _resource(name: str, arguments: list[str]) -> str:
    if name == "az":
        return arguments[arguments.index("--resource") + 1]
    if name == "azd":
        return arguments[arguments.index("--scope") + 1].removesuffix("/.default")
    script = base64.b64decode(arguments[-1]).decode("utf-16-le")
    found = re.search(r"'ResourceUrl' = '([^']*)'", script)
    return found.group(1) if found else ""


def _tenant(name: str, arguments: list[str]) -> str:
    """Return the tenant of the request; without one, any of the user's tenants."""
    option = {"az": "--tenant", "azd": "--tenant-id"}.get(name, "")
    if option in arguments:
        return arguments[arguments.index(option) + 1]
    found = None
    if name == "pwsh":
        script = base64.b64decode(arguments[-1]).decode("utf-16-le")
        found = re.search(r"tenantId = '([^']+)'", script)
    return found.group(1) if found else "organizations"


def _print(name: str, token: str, ends: int) -> None:
    if name == "pwsh":
        sys.stdout.write(f"azsdk%{token}%{ends}\n")
    elif name == "azd":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
        sys.stdout.write(json.dumps({"token": token, "expiresOn": stamp}) + "\n")
    else:
        document = {"accessToken": token, "expires_on": ends, "tokenType": "Bearer"}
        sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
