-- Which runs stopped themselves, and why?
select
    runs.id as run, runs.command, breakers.failure, coalesce(breakers.tasks, []) as tasks,
    coalesce(breakers.reason, runs.reason) as reason,
    runs.position = (select max(position) from runs) as is_last
from runs left join breakers on breakers.run = runs.id
where breakers.run is not null or runs.status = 'paused'
order by runs.position, breakers.position;
