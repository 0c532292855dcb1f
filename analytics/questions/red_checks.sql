-- Which checks were red, why, and who repaired them?
select
    red.task,
    red.name,
    red.stage,
    red.attempt,
    red.round,
    red.agent,
    red.problem,
    green.task as repaired_by_task, -- null: not repaired
    green.agent as repaired_by_agent,
    green.attempt as repaired_in_attempt,
    green.round as repaired_in_round
from checks as red
left join tasks on tasks.id = red.task
left join checks as green on green.position = (
    select min(later.position) from checks as later
    where later.passed and later.position > red.position
        and later.task = red.task and later.name = red.name and later.stage = red.stage
)
where not red.passed and ($phase::integer is null or tasks.phase = $phase)
order by red.position;
