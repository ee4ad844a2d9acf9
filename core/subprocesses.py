"""Modules run in a process of their own: what parses people's files must not take the gateway with it."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass

from core.processors import let_go
from core.settings import PREFIX, ROOT


@dataclass(frozen=True)
class Finished:
    exit_code: int
    output: bytes
    errors: bytes


async def run_module(module: str, *arguments: str, content: bytes, seconds: float) -> Finished:
    """Runs `python -m MODULE …` over ``content``. It and what it has started are killed after ``seconds`` (TimeoutError)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},  # keys are not a parser's to see
        start_new_session=True,
    )
    let_go(process.pid)
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(content)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Finished(await process.wait(), output, errors)
