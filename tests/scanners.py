"""A real clamd with a database of one virus, and a real spamd without the network. Both may be frozen, stopped and begun again."""

from collections.abc import Iterator

import pytest

from tests.servers import Server

# In parts: a scanner that looks at this file must not find it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
SIGNATURE = "Local.Eicar-Test-String.UNOFFICIAL"
_USER, _GROUP = "nobody", "nogroup"


class Clamd(Server):
    def __init__(self) -> None:
        super().__init__("clamd", _USER, _GROUP)
        self.address = f"127.0.0.1:{self.port}"
        self.socket = self.folder / "clamd.ctl"
        (self.folder / "db").mkdir()
        (self.folder / "db" / "test.ndb").write_text(f"Local.Eicar-Test-String:0:*:{EICAR.hex()}\n")
        options = {
            "Foreground": "yes",
            "TCPAddr": "127.0.0.1",
            "TCPSocket": self.port,
            "LocalSocket": self.socket,
            "DatabaseDirectory": self.folder / "db",
            "TemporaryDirectory": self.folder,
            "ConcurrentDatabaseReload": "no",
            "AlertExceedsMax": "yes",
            "MaxFileSize": "1M",
        }
        (self.folder / "clamd.conf").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        self.begin()

    def begin(self) -> None:
        self.start(["clamd", "--config-file", str(self.folder / "clamd.conf")])


class Spamd(Server):
    def __init__(self) -> None:
        super().__init__("spamd", _USER, _GROUP)
        self.address = f"127.0.0.1:{self.port}"
        self.begin()

    def begin(self) -> None:
        where = f"--listen 127.0.0.1 --port {self.port} --helper-home-dir {self.folder} --username {_USER}"
        self.start(["spamd", *where.split(), "--local", "--nouser-config", "--max-children", "1"])


@pytest.fixture(scope="session")
def clamd_server() -> Iterator[Clamd]:
    server = Clamd()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def clamd(clamd_server: Clamd) -> Clamd:
    """Running, whatever the test before did to it."""
    if clamd_server.ended():
        clamd_server.begin()
    return clamd_server


@pytest.fixture(scope="session")
def spamd_server() -> Iterator[Spamd]:
    server = Spamd()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def spamd(spamd_server: Spamd) -> Spamd:
    """Running, whatever the test before did to it."""
    if spamd_server.ended():
        spamd_server.begin()
    return spamd_server
