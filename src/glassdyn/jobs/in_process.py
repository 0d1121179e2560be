"""Jobs that spread over the cores by themselves, run where they are asked for: a process of their own would cost more."""

import traceback

from glassdyn.errors import GlassdynError
from glassdyn.jobs.job import Report
from glassdyn.jobs.process import TAIL, advice
from glassdyn.jobs.worker import Spec, work

__all__ = ["InProcess"]


class InProcess:
    """A job that has run in this process.

    Args:
        spec: of the job.
        report: takes the fraction that is done.
    """

    def __init__(self, spec: Spec, report: Report) -> None:
        self._outcome = ""
        try:
            work(spec, report)
        except (GlassdynError, OSError) as error:
            self._outcome = "\n".join(filter(None, [f"{type(error).__name__}: {error}", advice(str(error))]))
        except Exception:  # noqa: BLE001 (whatever it is, the other jobs go on)
            self._outcome = traceback.format_exc()[-TAIL:]

    def poll(self) -> str:
        """Nothing when it has succeeded, and otherwise why it has not."""
        return self._outcome

    def stop(self) -> None:
        """It has ended."""
