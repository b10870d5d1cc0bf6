"""A cloud on the loopback interface, with the real services' requests and errors.

    with Sandbox() as cloud:
        subprocess.run(["docker-credential-ecr-login", "get"], env=cloud.environment())
        assert cloud.calls["ecr:GetAuthorizationToken"] == 1

Every secret in it is the sandbox's own, and is not valid anywhere else.
"""

from __future__ import annotations

from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.sandbox import Sandbox
from dockcred.testing.sandbox.service import Minted

__all__ = ["Minted", "Request", "Response", "Sandbox"]
