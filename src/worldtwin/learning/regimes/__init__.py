"""Whether newer data contradict older ones, and since when."""

from worldtwin.learning.regimes.counted import counted_change
from worldtwin.learning.regimes.measured import changed_shares, measured_change
from worldtwin.learning.regimes.order import Order, order_of
from worldtwin.learning.regimes.telling import regime_report

__all__ = ["Order", "changed_shares", "counted_change", "measured_change", "order_of", "regime_report"]
