"""Many independent jobs, on this machine or on a cluster; nothing finished is ever computed twice.

A `Job` names a function, its arguments and its inputs. `run_jobs` gives each job a process of its own and
brings its output to its place. Results and checkpoints lie in a scratch folder under a hash of everything
that determines them; see `store`. Where jobs run is said by the environment alone:

    GLASSDYN_SCHEDULER  address of a Dask scheduler, or "slurm" (see `dask_cluster`); this machine if unset
    GLASSDYN_JOBS       jobs side by side, of those with a GPU and of those without; if unset, as many as
                        there are GPUs, and cores / threads, while jobs that use all cores by themselves run
                        one after another in the process that asks for them
    GLASSDYN_THREADS    threads of each job; 1 if unset
    GLASSDYN_DEVICE     for engines that can use a GPU; see `simulation.hoomd`
    GLASSDYN_SCRATCH    the scratch folder; .scratch at the root of the DVC repository if unset
"""

from glassdyn.jobs.job import Job, JobContext, JobError, OutputOf, Report
from glassdyn.jobs.prune import Entry, list_entries, prune
from glassdyn.jobs.run import run_jobs
from glassdyn.jobs.store import default_root

__all__ = [
    "Entry",
    "Job",
    "JobContext",
    "JobError",
    "OutputOf",
    "Report",
    "default_root",
    "list_entries",
    "prune",
    "run_jobs",
]
