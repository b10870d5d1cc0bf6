"""A token bucket: AWS limits an account's calls in this way."""

from __future__ import annotations

import threading
import time


class TokenBucket:
    """Allows `burst` calls at once and `per_second` more per second; thread-safe."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._filled_at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Remove one token; return False if there is none."""
        with self._lock:
            now = time.monotonic()
            more = (now - self._filled_at) * self._per_second
            self._tokens = min(self._burst, self._tokens + more)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
