"""The builder of the index as a process of its own: it takes the processor for seconds, and memory that the gateway need not keep.

Importing everything is most of its time: while somebody edits, one that has done so waits on standby.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process

import structlog

from core.processors import let_go
from core.settings import PREFIX, ROOT, Settings

log = structlog.get_logger(__name__)

_LONGEST_SECONDS = 1800.0
_REASON_CHARACTERS = 300
# What it needs to know; no secrets.
_SETTINGS = ("settings_file", "data_dir", "articles_dir", "synonyms_file", "database_url", "embedder_model")
_GO = b"\n"
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


class IndexBuilder:
    """``python -m knowledge_base build``, as often as it is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._standby: Process | None = None

    async def stand_by(self) -> None:
        """Has a builder wait for the next edit, if none does."""
        if self._standby is None or self._standby.returncode is not None:
            self._standby = await self._start("--keep-embedder", "--standby")

    async def follow(self) -> bool:
        """Builds the index of the articles as they are now, with the embedder that there is. False when that failed."""
        await self.stand_by()
        process, self._standby = self._standby, None
        return process is not None and await self._finish(process, "edit")

    async def tune(self) -> bool:
        """Makes the embedder anew, too. A tuning that is cancelled has changed nothing."""
        return await self._finish(await self._start(), "tuning")

    async def close(self) -> None:
        """Ends the one on standby."""
        if self._standby:
            process, self._standby = self._standby, None
            await _end(process)

    async def _start(self, *options: str) -> Process:
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
        given = {f"{PREFIX}{name.upper()}": str(getattr(self._settings, name)) for name in _SETTINGS}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "knowledge_base", "build", "--quiet", *options),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=PIPE,
            cwd=ROOT,
            env=inherited | given | _bytecode(self._settings),
            start_new_session=True,  # what stops the gateway lets a build end; one on standby ends with the gateway, whose pipe it reads
        )
        let_go(process.pid)
        return process

    async def _finish(self, process: Process, occasion: str) -> bool:
        begun = time.monotonic()
        errors = b"it took too long"
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                _, errors = await process.communicate(_GO)
        except TimeoutError:
            pass
        finally:
            await _end(process)
        seconds = round(time.monotonic() - begun, 1)
        if process.returncode == 0:
            log.info("article_index_built", occasion=occasion, seconds=seconds)
            return True
        reason = errors.decode(errors="replace").strip().rpartition("\n")[2][:_REASON_CHARACTERS]
        log.error("article_index_failed", occasion=occasion, seconds=seconds, exit_code=process.returncode, reason=reason)
        return False


def _bytecode(settings: Settings) -> dict[str, str]:
    """Where an environment forbids bytecode beside the code, each build would compile all of it anew: it gets a place of its own."""
    if not os.environ.get(_NO_BYTECODE):
        return {}
    return {_NO_BYTECODE: "", "PYTHONPYCACHEPREFIX": str(settings.index_dir / ".bytecode")}


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
