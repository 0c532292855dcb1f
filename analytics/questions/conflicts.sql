-- Which merges met a conflict, with what, and how was it resolved?
select
    conflicts.task,
    conflicts.agent,
    conflicts.attempt,
    conflicts.round,
    conflicts.files,
    conflicts.tasks as met,
    repair.agent as repaired_by, -- null: nobody was sent to repair it
    repair.attempt as repair_attempt,
    repair.round as repair_round,
    standings.state,
    merges.commit -- null: not merged since
from conflicts
left join tasks on tasks.id = conflicts.task
left join standings on standings.id = conflicts.task
left join merges on merges.key = conflicts.key and merges.position > conflicts.position
left join sessions as repair on repair.position = (
    select min(position) from sessions as later
    where later.key = conflicts.key and later.position > conflicts.position
        and later.role = 'work' and later.cause = 'conflict'
)
where $phase::integer is null or tasks.phase = $phase
order by conflicts.position;
