"""What `make run` and the tests need around Django on one machine; production uses none of it."""
