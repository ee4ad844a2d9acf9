"""Starts Rasa's server on loopback; runs in .venv-rasa: ``python -m nlu.serve --port PORT --model FILE``.

The token of its HTTP API comes from the environment (OTKLIK_RASA_TOKEN): on the command line every user of the machine could read it.
"""

import os
import sys

from rasa.__main__ import main

from nlu import shortcuts

if __name__ == "__main__":
    shortcuts.install()
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
