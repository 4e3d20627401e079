"""The OpenAPI document says what the server does: no route more or less, no 5xx, no answer of another shape."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks
from service_desk import SENDING, asked, consents, served

from andante import Engine
from andante.channels.contract import Address
from andante.service.ports import Delivery
from andante.service.routes import ROUTES, routes_of
from andante.service.tokens import Person

EXAMPLES = 25
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


class Nothing:
    """A delivery that holds nothing."""

    def add(self, user_id, channel, provider, value, _now_us):
        return Address(user_id=user_id, channel=channel, provider=provider, address_id="a1", value=value)

    def drop(self, *_given):
        return False

    def of_user(self, *_given):
        return []

    def put(self, *_given):
        return 1

    def listed(self, after, _kind, most):
        return [(after + 1, 1, None, None, None, "gone", "410", "", 0, None)][:most]

    def retry(self, *_given):
        return None


class Privacy:
    """Takes any user for known."""

    def export(self, user_id):
        return {"user_id": user_id}

    def erase(self, user_id):
        return {"user_id": user_id}

    def person(self, _user_id):
        return Person("3fa2c1", 7)


@pytest.fixture(scope="module")
def shop():
    nothing = Nothing()
    delivery = Delivery(nothing, nothing, nothing, lambda *_given: 0)
    engine = Engine.open(":memory:", SENDING)
    with served(engine=engine, delivery=delivery, privacy=Privacy(), page_calls_per_minute=1_000_000) as shop:
        consents(shop.client)
        shop.client.post("/v1/decisions", json=asked())  # a log holds 64 categories, and other calls may name as many
        yield shop


def test_the_document_and_the_routes_are_the_same(shop):
    document = shop.client.get("/openapi.json").json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    assert document["openapi"].startswith("3.1")


def test_what_a_server_does_not_have_is_not_in_its_document():
    with served() as bare:
        document = bare.client.get("/openapi.json").json()
        assert "/v1/dead-letters" not in document["paths"]
        assert len(routes_of(bare.serving)) < len(ROUTES)
        assert bare.client.get("/v1/dead-letters").status_code == 404


def test_every_route_is_summed_up_and_every_operation_has_its_own_name(shop):
    document = shop.client.get("/openapi.json").json()
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert all(operation["summary"].endswith(".") for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_no_call_meets_a_fault_of_ours_nor_an_answer_that_is_not_described(shop):
    schema = schemathesis.openapi.from_dict(json.loads(shop.client.get("/openapi.json").text))
    schema.config.update(base_url=shop.url)
    for operation in schema.get_all_operations():
        call_often(operation.ok(), shop)


def call_often(operation, shop):
    """Call an operation with what its schema allows and with what it does not."""

    @seed(7)
    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    def calls(case):
        case.call_and_validate(base_url=shop.url, checks=CHECKS)

    calls()


def test_a_decision_that_the_document_describes_is_what_comes(shop):
    document = shop.client.get("/openapi.json").json()
    shape = document["components"]["schemas"]["Decision"]
    answer = shop.client.post("/v1/decisions", json=asked()).json()
    assert set(shape["required"]) == set(answer)
