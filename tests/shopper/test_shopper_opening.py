"""The page on a service as it is opened for real: the link of the API leads to it, and its form binds the API."""

import json
import threading

import httpx

from andante.service.opening import open_service
from andante.settings import Settings
from andante.settings.sections.service import Service
from andante.shopper.opening import face


def test_the_link_of_the_api_opens_the_page_and_the_page_binds_the_api(tmp_path):
    settings = Settings(service=Service(port=0))
    running = open_service(tmp_path / "shop.db", settings=settings, faces=[face])
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        with httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client:
            client.put("/v1/users/ann/preferences", json={"consent": {"push": True}}).raise_for_status()
            url = client.post("/v1/users/ann/preference-link").raise_for_status().json()["url"]
            page = client.get(url).raise_for_status().text
            token = page.partition(f'action="{url}/pause"')[2].partition('value="')[2].partition('"')[0]
            assert client.post(f"{url}/pause", data={"form_token": token}).status_code == 303
            assert client.get("/v1/users/ann").json()["paused_until"]
            receipt = json.loads(client.delete("/v1/users/ann").raise_for_status().text)
            assert receipt["swept"] is True
            assert client.get(url).status_code == 404
    finally:
        running.end()
        thread.join(60)
    assert not thread.is_alive()
