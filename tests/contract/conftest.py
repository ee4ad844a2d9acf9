"""What holds on every database that the desk runs on. Another one is another parameter of ``database_url``."""

import pytest


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Overrides the shared fixture, so that ``desk`` is opened over each database. Empty: SQLite in the test's own folder."""
    return {"sqlite": ""}[request.param]
