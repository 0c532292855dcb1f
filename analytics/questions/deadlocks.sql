-- Which tasks held each other up, and how was that resolved?
select
    deadlocks.cause, deadlocks.tasks, deadlocks.agents, deadlocks.reason, deadlocks.time as since,
    answer.decision as resolution, -- null: not resolved
    answer.by_agent,
    answer.reason as because
from deadlocks
left join resolutions as answer on answer.position = (
    select min(position) from resolutions as later
    where later.position > deadlocks.position and later.cause is not distinct from deadlocks.cause
        and (later.task is not distinct from deadlocks.task or list_contains(deadlocks.tasks, later.task))
)
where $phase::integer is null
    or exists (select 1 from tasks where tasks.phase = $phase and list_contains(deadlocks.tasks, tasks.id))
order by deadlocks.position;
