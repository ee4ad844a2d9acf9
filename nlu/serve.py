"""Starts Rasa's server on loopback; runs in .venv-rasa: ``python -m nlu.serve --port PORT --model FILE``.

The token of its HTTP API comes from the environment (OTKLIK_RASA_TOKEN): on the command line every user of the machine could read it.
"""

import gc
import os
import sys
from typing import Any

import rasa.core.run
from rasa.__main__ import main

from nlu import shortcuts

_load = rasa.core.run.load_agent_on_start


async def load_and_keep(*arguments: Any) -> Any:
    """Loads the model as Rasa does, after which the garbage collector looks no more at what is in memory: it stays as long as the process.

    A full collection went through all of it while every conversation stood still: .4 s with nothing else running.
    """
    agent = await _load(*arguments)
    gc.collect()
    gc.freeze()
    return agent


if __name__ == "__main__":
    shortcuts.install()
    rasa.core.run.load_agent_on_start = load_and_keep
    sys.argv = [
        "rasa",
        "run",
        "--interface=127.0.0.1",
        "--enable-api",
        f"--auth-token={os.environ['OTKLIK_RASA_TOKEN']}",
        "--endpoints=endpoints.yml",
        "--credentials=credentials.yml",
        *sys.argv[1:],
    ]
    main()
