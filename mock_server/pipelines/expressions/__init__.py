"""The expression language of computed columns: ``amount / 100``, ``if(paid, amount, 0)``, ``lower(name) == 'x'``.

* Python's operators and precedence: ``+ - * / // % **``, comparisons (also chained and ``in (...)``), ``and or not``,
  ``a if condition else b``, ``is null``, ``is not null``.  ``+`` joins text.
* ``true``, ``false``, ``null``, numbers, text in either quotes, names of columns; ``col('any name')`` for other names.
* Null is as in SQL: what is computed of a null is null, but ``false and null`` is false.  What is no finite number, as
  a division by zero, is null too.  Whole numbers have 64 bits; beyond them is an error.
* ``round`` takes halves away from zero, and the half is that of the number as it is written: ``round(515.525, 2)`` is
  515.53 although no number with 64 bits is exactly 515.525.
* Nothing else: no attributes, no subscripts, no calls but those of ``functions``.

``syntax`` reads an expression and bounds it, ``translation`` turns it into one over the columns of a frame.
"""

from mock_server.pipelines.expressions.syntax import parse
from mock_server.pipelines.expressions.translation import evaluate

__all__ = ["evaluate", "parse"]
