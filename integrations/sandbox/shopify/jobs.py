"""Work the shop does after it has answered: a cancelled order is cancelled a little later."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.shop import VENDOR, Shop

_KEPT = 1_000


@dataclass(slots=True, kw_only=True)
class Job:
    """One piece of work; ``act`` is None once it is done."""

    id: str
    due: float
    act: Callable[[float], None] | None


class Jobs:
    """The jobs of the shop; they run when somebody next asks the shop anything, as of the moment they were due."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._draw = shop.world.chance(f"{VENDOR} jobs {shop.now():.0f}")
        self._jobs: dict[str, Job] = {}

    def __repr__(self) -> str:
        return f"<Jobs {sum(job.act is not None for job in self._jobs.values())} waiting>"

    def add(self, act: Callable[[float], None]) -> Job:
        """Have something done ``job_seconds`` (a setting: 1) from now; ``act`` is given the time it is done at."""
        seconds = float(self._shop.world.setting(VENDOR, "job_seconds", 1.0))
        id = gid("Job", str(uuid.UUID(int=self._draw.getrandbits(128), version=4)))
        job = self._jobs[id] = Job(id=id, due=self._shop.now() + seconds, act=act)
        while len(self._jobs) > _KEPT:
            del self._jobs[next(iter(self._jobs))]
        return job

    def find(self, id: str) -> Job | None:
        """Return a job, None when there is none of the id."""
        return self._jobs.get(id)

    def run(self) -> None:
        """Do what is due."""
        for job in self._jobs.values():
            if job.act is not None and job.due <= self._shop.now():
                act, job.act = job.act, None
                act(job.due)
