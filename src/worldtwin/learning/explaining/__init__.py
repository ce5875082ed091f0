"""Beyond the numbers of a report: where the errors are, what is least known, how far confidence can be trusted."""

from worldtwin.learning.explaining.gaps import gap_reports
from worldtwin.learning.explaining.regions import region_report
from worldtwin.learning.explaining.trusting import Trusted, levels, trusted

__all__ = ["Trusted", "gap_reports", "levels", "region_report", "trusted"]
