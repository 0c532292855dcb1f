-- How far is each component, and how many of its tasks are in each state?
select
    components.number,
    components.name,
    components.phase,
    count(standings.id) as tasks,
    count(*) filter (where state = 'merged') as merged,
    count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'blocked') as blocked,
    count(*) filter (where state = 'skipped') as skipped,
    count(*) filter (where state = 'in work') as in_work,
    count(*) filter (where state = 'waiting') as waiting
from components
left join tasks on tasks.component = components.number
left join standings on standings.id = tasks.id
where $phase::integer is null or components.phase = $phase
group by all
order by components.number;
