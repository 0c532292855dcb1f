-- Which tasks are blocked because another one failed or was blocked?
select standings.id as task, tasks.title, standings.reason
from standings join tasks on tasks.id = standings.id
where standings.state = 'blocked'
    and exists (
        select 1 from dependencies join standings as needed on needed.id = dependencies.dep
        where dependencies.task = standings.id and needed.state in ('failed', 'blocked')
    )
    and ($phase::integer is null or standings.phase = $phase)
order by standings.place;
