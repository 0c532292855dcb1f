-- Which runs stopped themselves, and why?
select
    runs.id as run, runs.command, breakers.failure, coalesce(breakers.tasks, []) as tasks,
    coalesce(breakers.reason, runs.reason) as reason,
    runs.position = (select max(position) from runs where tasks > 0) as is_last -- no build began after it
from runs left join breakers on breakers.run = runs.id
where breakers.run is not null or runs.status = 'paused'
order by runs.position, breakers.position;
