"""How often one client may do a thing: token buckets in this process."""

import math
import time
from collections import OrderedDict

from core.errors import too_many

_KEYS = 50_000


class RateLimit:
    """Lets ``per_minute`` through at once and refills evenly over a minute, for each key by itself."""

    def __init__(self, per_minute: int) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key → (tokens, monotonic seconds)

    def check(self, key: str) -> None:
        """Takes one token of ``key``. Problem 429 with the seconds until there is one."""
        moment = time.monotonic()
        tokens, since = self._buckets.pop(key, (self._capacity, moment))
        tokens = min(self._capacity, tokens + (moment - since) * self._per_second)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, moment)
        if len(self._buckets) > _KEYS:
            self._buckets.popitem(last=False)  # the longest unused: its bucket is the fullest
        if not allowed:
            raise too_many(math.ceil((1 - tokens) / self._per_second))
