"""Ways to teach: one file is one method, found by being here."""

from tutelage.methods._logit import LogitMethod
from tutelage.methods._method import Method, make_method, methods
from tutelage.methods._sum import sum_of

__all__ = ["LogitMethod", "Method", "make_method", "methods", "sum_of"]
