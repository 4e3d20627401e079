"""Both stores of our own keep the contract, and agree on any sequence of commits."""

from pathlib import Path

import pytest

from andante.stores.contract import Exported, Retained, Standing, Store
from andante.stores.memory import MemoryStore
from andante.stores.sqlite import SqliteStore
from andante.testing.store_contract import StoreContract


class TestSqliteStore(StoreContract):
    def opened(self, folder: Path) -> Store:
        return SqliteStore.open(folder / "log.db")

    def test_it_has_every_capability(self, store):
        assert isinstance(store, Standing)
        assert isinstance(store, Retained)
        assert isinstance(store, Exported)


class TestMemoryStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _kept(self):
        self.kept: dict[Path, MemoryStore] = {}

    def opened(self, folder: Path) -> Store:
        self.kept[folder] = self.kept[folder].reopened() if folder in self.kept else MemoryStore()
        return self.kept[folder]

    def test_it_has_the_capabilities_that_an_engine_needs(self, store):
        assert isinstance(store, Standing)
        assert isinstance(store, Retained)
