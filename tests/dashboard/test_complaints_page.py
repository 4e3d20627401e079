"""The page of complaints, over real books."""

from dashboard_desk import act, sign_in

LIST = "/dashboard/complaints"


def test_a_complaint_is_answered_and_closed_under_a_name(console, client):
    console.books.complaints.open("ann", "Too many <b>pushes</b> at night", "ann@shop.example")
    sign_in(client, "Mia")
    page = client.get(LIST).text
    assert "Too many &lt;b&gt;pushes&lt;/b&gt; at night" in page
    act(client, LIST, f"{LIST}/1/answer", text="We have set quiet hours for you.")
    answered = console.books.complaints.of(1)
    assert (answered.status, answered.answer, answered.answered_by) == (
        "answered",
        "We have set quiet hours for you.",
        "Mia",
    )
    closed = act(client, f"{LIST}?status=answered", f"{LIST}/1/close", status="answered")
    assert closed.url.query == b"status=answered"
    assert console.books.complaints.of(1).closed_by == "Mia"


def test_an_empty_answer_is_refused(console, client):
    console.books.complaints.open("ann", "Too many")
    sign_in(client)
    assert act(client, LIST, f"{LIST}/1/answer", text="  ").status_code == 422
    assert console.books.complaints.of(1).status == "open"


def test_the_list_shows_one_status_or_all(console, client):
    console.books.complaints.open("ann", "First one")
    console.books.complaints.open("bob", "Second one")
    console.books.complaints.close("Mia", 1)
    opened, everything = client.get(LIST).text, client.get(f"{LIST}?status=all").text
    assert "Second one" in opened
    assert "First one" not in opened
    assert "First one" in everything
