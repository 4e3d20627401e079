"""What peers run in interpreters of their own: nothing here imports anything else of Andante."""
