"""Unit tests touch no network: whatever would leave the process fails at once and says so."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.settings import PREFIX, Settings, read_settings

_INTERNET = (socket.AF_INET, socket.AF_INET6)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, _refusing(getattr(socket.socket, name)))


def _refusing(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in _INTERNET:
            raise RuntimeError(f"a unit test reaches for the network: {original.__name__} {address}; it belongs to tests/integration")
        return original(self, address)

    return guarded


@pytest.fixture(scope="session")
def shipped() -> Iterator[Settings]:
    """The settings of settings.toml, for what needs no data folder; usable in property tests."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            environment.delenv(name)
        yield read_settings()
