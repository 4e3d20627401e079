"""What tests of the operators' pages share: a console over real parts, and a server that answers for it."""

import pytest
from dashboard_desk import answering, opened


@pytest.fixture
def console(tmp_path):
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def client(console):
    with answering(console) as browser:
        yield browser
