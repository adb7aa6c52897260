"""What Dagster writes down of a failure, beginning with the line that a person can act on.

Belongs here: which line that is, on the page of a run. Not here: finding it for the command line
(`in_process`), or in the record of a run (`run_records`).

Dagster begins with its own words for where in itself it was, three failures deep, and says it all
again for the run as a whole. The page of a run opens at the end of its log: there the step that
failed begins with our line, and the run as a whole does not say it again.
"""

from functools import partial
from types import TracebackType

from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.events import DagsterEvent, RunFailureReason
from dagster._core.execution import api, context_creation_job, resources_init
from dagster._core.execution.context.system import IPlanContext, StepExecutionContext
from dagster._core.execution.plan import execute_plan
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData, UserFailureData
from dagster._utils.error import SerializableErrorInfo, serializable_error_info_from_exc_info

from orchestration.dagster.run_records import REASON_TAG
from orchestration.ground.errors import ComebackError
from orchestration.ground.failures import explained
from orchestration.ground.home import Home

SAID_ABOVE = "Why is said above."

_OURS = ComebackError.__name__
_dagsters_job_failure = DagsterEvent.job_failure
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType]


def say_reasons_first(home: Home) -> None:
    """Have failures be written down so in this process, from now on."""
    execute_plan.step_failure_event_from_exc_info = partial(_step_failure, home)
    for module in (context_creation_job, resources_init):
        module.serializable_error_info_from_exc_info = partial(_of_start, home)
    api.serializable_error_info_from_exc_info = partial(_of_run, home)
    DagsterEvent.job_failure = staticmethod(_job_failure)


def worded(info: SerializableErrorInfo, reason: str) -> SerializableErrorInfo:
    """A failure that begins with our line, without Dagster's around ours; below it where in the
    code it was, and for one that is not ours all that was known."""
    found: SerializableErrorInfo | None = info
    while found is not None and reason not in " ".join(found.message.split()):
        found = found.cause
    if found is None:
        return SerializableErrorInfo(f"{reason}\n", [], _OURS, cause=info)
    return found._replace(message=f"{reason}\n", cls_name=_OURS)


def _step_failure(
    home: Home,
    step: StepExecutionContext,
    raised: _ExcInfo,
    user_failure_data: UserFailureData | None = None,
    error_source: ErrorSource | None = None,
) -> DagsterEvent:
    """Of a step: our line first; of checks that stop a run, the reason that the run noted."""
    info = serializable_error_info_from_exc_info(raised)
    if isinstance(raised[1], DagsterAssetCheckFailedError):
        run = step.instance.get_run_by_id(step.run_id)
        if reason := run and run.tags.get(REASON_TAG):
            info = SerializableErrorInfo(f"{reason}\n", [], _OURS)
    elif reason := _reason(home, raised):
        info = worded(info, reason)
        # Dagster reads info.cause of such an error; ours may have none
        error_source = error_source if info.cause else None
    data = StepFailureData(info, user_failure_data, error_source)
    return DagsterEvent.step_failure_event(step, data)


def _of_start(home: Home, raised: _ExcInfo) -> SerializableErrorInfo:
    """A failure before the first step."""
    info = serializable_error_info_from_exc_info(raised)
    reason = _reason(home, raised)
    return worded(info, reason) if reason else info


def _of_run(home: Home, raised: _ExcInfo) -> SerializableErrorInfo:
    """A failure of the run as a whole: that of its step, which has said it."""
    is_check = isinstance(raised[1], DagsterAssetCheckFailedError)
    if is_check or _reason(home, raised):
        return _above()
    return serializable_error_info_from_exc_info(raised)


def _job_failure(
    context: IPlanContext | str,
    message: str,
    failure_reason: RunFailureReason,
    error_info: SerializableErrorInfo | None = None,
    first_step_failure_event: DagsterEvent | None = None,
) -> DagsterEvent:
    """The same where Dagster takes over what the step said."""
    if error_info is None and first_step_failure_event is not None:
        error = first_step_failure_event.step_failure_data.error
        error_info = _above() if error and error.cls_name == _OURS else None
    return _dagsters_job_failure(
        context, message, failure_reason, error_info, first_step_failure_event
    )


def _above() -> SerializableErrorInfo:
    return SerializableErrorInfo(f"{SAID_ABOVE}\n", [], None)


def _reason(home: Home, raised: _ExcInfo) -> str | None:
    """Our line for a failure; None if there is none."""
    found = explained(raised[1], home)
    return " ".join(str(found).split()) if isinstance(found, ComebackError) else None
