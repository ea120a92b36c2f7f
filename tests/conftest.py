"""What holds for every test: each says what it needs, none watches the clock."""

import pytest
from hypothesis import settings

settings.register_profile("calmline", deadline=None, derandomize=True)
settings.load_profile("calmline")

_KINDS = {"unit", "model", "service"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The browser's loop runs in this thread as long as its tests do: those that run a
    # loop of their own come first, in whatever order they were asked for.
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))
    for item in items:
        if not _KINDS & {mark.name for mark in item.iter_markers()}:
            raise pytest.UsageError(
                f"{item.nodeid} must be marked as one of {', '.join(sorted(_KINDS))}"
            )
