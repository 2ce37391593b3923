"""The control process: follows the rows and tells workers. Never in a request's way."""
