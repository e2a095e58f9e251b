"""Ways to teach: one file is one method, found by being here."""

from tutelage.methods._logit import LogitMethod
from tutelage.methods._method import Method, make_method, methods

__all__ = ["LogitMethod", "Method", "make_method", "methods"]
