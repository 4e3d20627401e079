"""What all pages share: words in two languages, one layout, charts, and how a page is answered.

A visit (a request, its language, its form) goes in, a page of HTML with a strict policy comes out; pages ask nothing
of any other host.
"""
