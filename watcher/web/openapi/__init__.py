"""The API's document, OpenAPI 3.1: made from the very operations that serve and the models that they read
and answer with."""
